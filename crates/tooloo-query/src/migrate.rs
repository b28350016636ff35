//! Brings a database's tables up to date, one version after the other.

use std::{error, fmt};

use crate::{Database, Dialect, ErrorKind, Query, QueryError, Transaction};

/// The step from one version of a database's tables to the next.
///
/// It is a script of statements without parameters, none of which begins or ends a transaction. Once released, a step
/// stays as it is: what is wrong with it is the next one's business.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

/// The tables could not be brought up to date.
#[derive(Debug)]
pub struct MigrationError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Newer {
        found: i64,
        known: i64,
    },
    Version(QueryError),
    Step {
        name: &'static str,
        version: i64,
        cause: QueryError,
    },
}

/// Of the lock that migrations of one PostgreSQL database wait for each other with: "tooloo" in ASCII.
const LOCK: &str = "SELECT pg_advisory_xact_lock(127979077201775)";

/// Of the schema that comes first in the search path.
const VERSIONS: &str = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)";

impl Migration {
    /// Creates a step that is the same for both databases; `name` says what it brings.
    pub const fn portable(name: &'static str, sql: &'static str) -> Self {
        Self::each(name, sql, sql)
    }

    /// Creates a step with a script for each of the two.
    pub const fn each(name: &'static str, sqlite: &'static str, postgres: &'static str) -> Self {
        Self {
            name,
            sqlite,
            postgres,
        }
    }

    /// Returns what the step brings.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Returns its script.
    pub const fn sql(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::Postgres => self.postgres,
        }
    }
}

impl Database {
    /// Brings the tables up to date: `migrations[n]` leads from version `n` to `n + 1`; each runs once, and whole.
    ///
    /// The version is kept with the data: SQLite has a place of its own for it (`user_version`), PostgreSQL gets a table
    /// `schema_version` in the schema that comes first in its search path. Programs that do this at the same time wait
    /// for each other.
    ///
    /// # Errors
    ///
    /// Returns a [`MigrationError`] where the database has a version that `migrations` do not know, or a step fails;
    /// the steps before it stay.
    #[expect(clippy::missing_panics_doc, reason = "nobody writes that many by hand")]
    pub async fn migrate(&self, migrations: &[Migration]) -> Result<(), MigrationError> {
        let known = i64::try_from(migrations.len()).expect("migrations are written by hand");
        loop {
            let mut transaction = self.begin().await.map_err(MigrationError::version)?;
            let found = version(&mut transaction).await;
            let found = found.map_err(MigrationError::version)?;
            if found == known {
                // On PostgreSQL the table of versions may be new.
                return transaction.commit().await.map_err(MigrationError::version);
            }
            let step = usize::try_from(found)
                .ok()
                .and_then(|found| migrations.get(found));
            let step = step.ok_or_else(|| MigrationError::newer(found, known))?;
            let done = async {
                transaction.script(step.sql(self.dialect())).await?;
                set_version(&mut transaction, found + 1).await?;
                transaction.commit().await
            };
            done.await
                .map_err(|cause| MigrationError::step(step, found + 1, cause))?;
        }
    }
}

async fn version(transaction: &mut Transaction) -> Result<i64, QueryError> {
    let newest = match transaction.dialect() {
        Dialect::Sqlite => "SELECT user_version FROM pragma_user_version",
        Dialect::Postgres => {
            transaction.script(LOCK).await?;
            transaction.script(VERSIONS).await?;
            "SELECT coalesce(max(version), 0) AS user_version FROM schema_version"
        }
    };
    Ok(transaction.query_one(newest).await?.get(0)?)
}

async fn set_version(transaction: &mut Transaction, version: i64) -> Result<(), QueryError> {
    match transaction.dialect() {
        Dialect::Sqlite => {
            // No parameter may stand here.
            transaction
                .script(format!("PRAGMA user_version = {version}"))
                .await
        }
        Dialect::Postgres => {
            let insert = Query::new("INSERT INTO schema_version (version) VALUES ($1)");
            transaction.execute(insert.bind(version)).await?;
            Ok(())
        }
    }
}

impl MigrationError {
    fn newer(found: i64, known: i64) -> Self {
        Self {
            kind: Kind::Newer { found, known },
        }
    }

    fn version(cause: QueryError) -> Self {
        Self {
            kind: Kind::Version(cause),
        }
    }

    fn step(step: &Migration, version: i64, cause: QueryError) -> Self {
        let name = step.name;
        Self {
            kind: Kind::Step {
                name,
                version,
                cause,
            },
        }
    }

    /// Returns whether the same may succeed when it is tried again, such as where the server is away.
    pub fn is_temporary(&self) -> bool {
        match &self.kind {
            Kind::Newer { .. } => false,
            Kind::Version(cause) | Kind::Step { cause, .. } => {
                cause.is_retryable() || cause.kind() == ErrorKind::Connection
            }
        }
    }
}

impl fmt::Display for MigrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Newer { found, known } => write!(
                f,
                "the tables have version {found}, newer than {known}, the latest that this program knows"
            ),
            Kind::Version(cause) => {
                write!(f, "the version of the tables is not to be had: {cause}")
            }
            Kind::Step {
                name,
                version,
                cause,
            } => {
                write!(f, "version {version} of the tables, `{name}`: {cause}")?;
                // A script has no values that could be told with it.
                let reason = error::Error::source(cause);
                reason.map_or(Ok(()), |reason| write!(f, ": {reason}"))
            }
        }
    }
}

impl error::Error for MigrationError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.kind {
            Kind::Newer { .. } => None,
            Kind::Version(cause) | Kind::Step { cause, .. } => Some(cause),
        }
    }
}

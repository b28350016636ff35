//! A service's data.

use std::{fmt, num::NonZeroUsize};

use tooloo_query::{
    Begin, Database, Deduplicate, DeduplicateLayer, Dialect, Isolation, Migration, Queries,
    Transaction,
};
use tooloo_service::{Kit, StartError};
use tower_layer::Layer;

use crate::{StoreError, place};

/// A service's database, brought up to date.
///
/// A write that was committed is on disk. Clones share the connections.
#[derive(Clone)]
pub struct Store {
    database: Database,
    queries: Deduplicate<Database>,
}

/// Has the writers of a schema take turns, and wait no longer for one than for a connection.
const TURN: &str = "SET LOCAL lock_timeout = '5s';
    SELECT pg_advisory_xact_lock(1953460079, hashtext(current_schema()))";

impl Store {
    /// Opens the service's database and brings its tables up to date: the file named as the service in the data folder,
    /// or the schema named as the service in the PostgreSQL of `database_url`.
    ///
    /// It is shown as `pool` and `queries`, is one of the readiness checks, and an administrator may resize its pool.
    ///
    /// # Errors
    ///
    /// Returns a [`StartError`] that names the file or the setting where the database cannot be opened, is no database,
    /// or was written by a newer version.
    pub async fn open(kit: &mut Kit, migrations: &[Migration]) -> Result<Self, StartError> {
        let name = kit.identity().name;
        let connections = kit.config().database_connections;
        let path = kit.data_file(&format!("{name}.sqlite"));
        let (database, what) = match &kit.config().database_url {
            Some(url) => {
                let database = place::server(url.expose(), name, connections).await?;
                (database, format!("the schema {name} of database_url"))
            }
            None => (
                place::file(&path, connections).await?,
                path.display().to_string(),
            ),
        };
        let store = Self::over(database, &what, migrations).await?;
        store.show(kit);
        Ok(store)
    }

    pub(crate) async fn over(
        database: Database,
        what: &str,
        migrations: &[Migration],
    ) -> Result<Self, StartError> {
        let database = database.with_trace_ids(|| {
            let current = tooloo_trace::current();
            current.map(|current| current.trace_id().to_string())
        });
        let migrated = database.migrate(migrations).await;
        migrated.map_err(|error| place::refusal(what, &error))?;
        let queries = DeduplicateLayer::new(&database).layer(database.clone());
        Ok(Self { database, queries })
    }

    fn show(&self, kit: &mut Kit) {
        let by_hand = self.database.clone();
        kit.pool(
            self.database.pool(),
            move |min: usize, max: NonZeroUsize| by_hand.resize(min, max),
        );
        kit.hub()
            .register("queries", self.database.handle(), &["queries"]);
        let pinged = self.clone();
        kit.check("database", move || {
            let store = pinged.clone();
            async move { store.ping().await }
        });
    }

    /// Begins a transaction that writes, once it is its turn: there is one writer at a time, whom no other can be in
    /// conflict with, also where several nodes share a PostgreSQL.
    ///
    /// It takes effect with [`commit`](Transaction::commit). Dropped before that it never was, so a caller who must
    /// not be stopped half-way is given a task of its own.
    pub async fn write(&self) -> Result<Transaction, StoreError> {
        let isolation = Begin::new().isolation(Isolation::ReadCommitted);
        let mut transaction = self.database.begin_with(isolation).await?;
        if transaction.dialect() == Dialect::Postgres {
            transaction.script(TURN).await?;
        }
        Ok(transaction)
    }

    /// Begins a transaction that only reads: one view of the data, whatever is written meanwhile.
    pub async fn read(&self) -> Result<Transaction, StoreError> {
        let isolation = Begin::new()
            .read_only()
            .isolation(Isolation::RepeatableRead);
        Ok(self.database.begin_with(isolation).await?)
    }

    /// Returns a service of statements that stand on their own; identical reads in flight are asked once.
    pub fn queries(&self) -> &Deduplicate<Database> {
        &self.queries
    }

    /// Asks the database for an answer, also as a writer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.queries.query("SELECT 1 AS one").await?;
        Ok(self.write().await?.rollback().await?)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

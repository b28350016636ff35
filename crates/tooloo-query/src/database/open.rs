//! Opens databases.

use std::{error, fmt, sync::Arc};

#[cfg(feature = "postgres")]
use super::server_url::ServerUrl;
use super::{Database, Inner};
use crate::{DatabaseConfig, backend::Backend, background::Background, monitor::Monitor};

/// A URL that names no database that can be opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct InvalidUrl {
    // No URL: it may hold a password.
    reason: String,
}

impl Database {
    /// Opens what a URL names: `sqlite:path/to/file.db`, where the feature `sqlite` is on, or
    /// `postgres://user:password@host/database` with the feature `postgres`.
    ///
    /// PostgreSQL is spoken to without TLS unless the URL says `sslmode=verify-full`, or `require`, which means the
    /// same here: the server has to show a certificate for its name, signed by whom the system trusts, or by one of
    /// the file `sslrootcert`.
    ///
    /// Nothing is connected yet; see [`warm_up`](Self::warm_up).
    ///
    /// # Errors
    ///
    /// Returns an error where the URL is of another kind, or is broken, or the certificates to trust cannot be read.
    pub fn open(url: &str, config: DatabaseConfig) -> Result<Self, InvalidUrl> {
        let (scheme, rest) = url
            .split_once(':')
            .ok_or_else(|| InvalidUrl::new("there is no scheme"))?;
        match scheme {
            #[cfg(feature = "sqlite")]
            "sqlite" => {
                let path = rest.strip_prefix("//").unwrap_or(rest);
                if path.is_empty() || path == ":memory:" {
                    let reason = "connections can only share a file, and no path names one";
                    return Err(InvalidUrl::new(reason));
                }
                let connector = tooloo_pool::sqlite::SqliteConnector::file(path);
                Ok(Self::sqlite(connector, config))
            }
            #[cfg(feature = "postgres")]
            "postgres" | "postgresql" => {
                let server_url = ServerUrl::parse(url)?;
                let server: tokio_postgres::Config = server_url
                    .plain
                    .parse()
                    .map_err(|error| InvalidUrl::new(format!("{error}")))?;
                let mut connector = tooloo_pool::postgres::PostgresConnector::new(server);
                if server_url.tls {
                    connector = connector.with_tls(server_url.tls_client()?);
                }
                Ok(Self::postgres(connector, config))
            }
            _ => {
                let _ = (rest, config);
                let reason = format!("the scheme {scheme} is unknown, or its feature is off");
                Err(InvalidUrl::new(reason))
            }
        }
    }

    /// Opens a SQLite database.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(connector: tooloo_pool::sqlite::SqliteConnector, config: DatabaseConfig) -> Self {
        let pool = config.pool.clone();
        let backend = crate::backend::Sqlite::new(connector, pool, config.statements);
        Self::over(backend, config)
    }

    /// Opens a PostgreSQL database.
    #[cfg(feature = "postgres")]
    pub fn postgres(
        connector: tooloo_pool::postgres::PostgresConnector,
        config: DatabaseConfig,
    ) -> Self {
        let pool = config.pool.clone();
        let backend = crate::backend::Postgres::new(connector, pool, config.statements);
        Self::over(backend, config)
    }

    fn over(backend: impl Backend + 'static, config: DatabaseConfig) -> Self {
        let monitor = Monitor::new(backend.dialect(), &config);
        Self {
            inner: Arc::new(Inner {
                backend: Box::new(backend),
                monitor: Arc::new(monitor),
                config,
                background: Background::default(),
            }),
        }
    }
}

impl InvalidUrl {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
        }
    }
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a database's URL: {}", self.reason)
    }
}

impl error::Error for InvalidUrl {}

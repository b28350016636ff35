//! PostgreSQL by tokio-postgres, plain or with TLS by rustls.

mod connection;
mod dial;
mod session;
mod socket;
mod tls;
mod wire;

use std::{
    error, fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio_postgres::Config;
use tower_service::Service;

pub use self::{connection::PostgresConnection, session::Session};

/// Opens connections to one PostgreSQL server, or to the first of several that answers.
///
/// Clones share the settings.
#[derive(Clone)]
pub struct PostgresConnector {
    config: Arc<Config>,
    tls: Option<Arc<rustls::ClientConfig>>,
}

/// A connection could not be made, or did not do as it was told.
#[derive(Debug)]
#[non_exhaustive]
pub enum PostgresError {
    /// The server or the protocol says no.
    Postgres(tokio_postgres::Error),
    /// The server cannot be reached.
    Io(io::Error),
}

/// Boxed, since connecting is rare and costs milliseconds.
type Connecting = Pin<Box<dyn Future<Output = Result<PostgresConnection, PostgresError>> + Send>>;

impl PostgresConnector {
    /// Connects as `config` says, such as one parsed from `postgres://user@host/database`, without TLS.
    ///
    /// Hosts are tried in their order. Keep-alives are left to the pool's own checks.
    pub fn new(config: Config) -> Self {
        Self {
            config: Arc::new(config),
            tls: None,
        }
    }

    /// Connects with TLS wherever the server is reached over TCP, unless `sslmode` is `disable`: `prefer` means
    /// `require`.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<rustls::ClientConfig>) -> Self {
        self.tls = Some(tls);
        self
    }
}

impl Service<()> for PostgresConnector {
    type Response = PostgresConnection;
    type Error = PostgresError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), PostgresError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Connecting {
        let Self { config, tls } = self.clone();
        Box::pin(async move { dial::connect(&config, tls).await })
    }
}

impl fmt::Debug for PostgresConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The configuration shows no password.
        f.debug_struct("PostgresConnector")
            .field("config", &self.config)
            .field("tls", &self.tls.is_some())
            .finish()
    }
}

impl fmt::Display for PostgresError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(error) => error.fmt(f),
            Self::Io(error) => write!(f, "the server cannot be reached: {error}"),
        }
    }
}

impl error::Error for PostgresError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Postgres(error) => error.source(),
            Self::Io(error) => Some(error),
        }
    }
}

impl From<tokio_postgres::Error> for PostgresError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<io::Error> for PostgresError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

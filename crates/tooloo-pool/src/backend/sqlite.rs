//! SQLite, off the async threads: each connection lives on a thread of its own.
//!
//! ```
//! use tooloo_pool::{Pool, PoolConfig, sqlite::SqliteConnector};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("notes.db");
//! let pool = Pool::new(SqliteConnector::file(path), PoolConfig::new());
//! let mut lease = pool.get().await?;
//! lease.run(|sqlite| sqlite.execute_batch("CREATE TABLE notes (text TEXT NOT NULL) STRICT")).await?;
//! let added = lease.run(|sqlite| sqlite.execute("INSERT INTO notes VALUES (?1)", ["hello"])).await?;
//! assert_eq!(added, 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connection;
mod worker;

use std::{
    error, fmt, io,
    path::PathBuf,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use rusqlite::OpenFlags;
use tower_service::Service;

pub use self::connection::SqliteConnection;

/// What is done to a connection before anybody has it.
type Prepare = dyn Fn(&mut rusqlite::Connection) -> rusqlite::Result<()> + Send + Sync;

/// Opens connections to one database file.
///
/// It is created where it is missing. Each connection writes ahead (`journal_mode=WAL`), has a commit on disk before
/// it answers (`synchronous=FULL`), and enforces foreign keys. Clones share the settings.
#[derive(Clone)]
pub struct SqliteConnector {
    path: Arc<PathBuf>,
    busy_timeout: Duration,
    prepare: Option<Arc<Prepare>>,
}

/// Work on a connection failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum SqliteError {
    /// SQLite says no.
    Sqlite(rusqlite::Error),
    /// There is no thread to be had for the connection.
    Thread(io::Error),
    /// The connection's thread is gone.
    Closed,
}

/// Boxed, since connecting is rare and starts a thread.
type Connecting = Pin<Box<dyn Future<Output = Result<SqliteConnection, SqliteError>> + Send>>;

impl SqliteConnector {
    /// Opens the file at `path`.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: Arc::new(path.into()),
            busy_timeout: Duration::from_secs(5),
            prepare: None,
        }
    }

    /// Waits for another connection's write for this long; 5 seconds by default.
    #[must_use]
    pub fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Prepares each new connection, such as by adding functions to it.
    #[must_use]
    pub fn with_prepare(
        mut self,
        prepare: impl Fn(&mut rusqlite::Connection) -> rusqlite::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.prepare = Some(Arc::new(prepare));
        self
    }

    fn open(&self) -> rusqlite::Result<rusqlite::Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            // A thread has its connection for itself.
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = rusqlite::Connection::open_with_flags(&*self.path, flags)?;
        // First: the others may have to wait.
        connection.busy_timeout(self.busy_timeout)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        if let Some(prepare) = &self.prepare {
            prepare(&mut connection)?;
        }
        Ok(connection)
    }
}

impl Service<()> for SqliteConnector {
    type Response = SqliteConnection;
    type Error = SqliteError;
    type Future = Connecting;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), SqliteError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Connecting {
        let connector = self.clone();
        Box::pin(async move { SqliteConnection::open(move || connector.open()).await })
    }
}

impl fmt::Debug for SqliteConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConnector")
            .field("path", &self.path)
            .field("busy_timeout", &self.busy_timeout)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for SqliteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Thread(error) => write!(f, "no thread for a connection: {error}"),
            Self::Closed => f.write_str("the connection is closed"),
        }
    }
}

impl error::Error for SqliteError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Sqlite(error) => error.source(),
            Self::Thread(error) => Some(error),
            Self::Closed => None,
        }
    }
}

impl From<rusqlite::Error> for SqliteError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

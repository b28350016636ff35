//! A service's database: SQLite, with durable group commits and a reader beside the writer.

mod error;
mod reader;
mod schema;
mod writer;

use std::{fmt, path::Path, sync::Arc};

use rusqlite::{Connection, Transaction};

pub use self::error::StoreError;
use self::{reader::Reader, writer::Writer};

/// An SQLite file that is written by one thread and read by another.
///
/// A write that was answered is on disk. Writes that wait together share one commit, yet each
/// stands alone: one that fails is rolled back without the others. A caller that goes away
/// leaves its write to finish. Clones share the threads, which end after the last clone.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    reader: Reader,
}

/// The most writes, and the most reads, that may wait.
const QUEUE: usize = 1024;

impl Store {
    /// Opens the file at `path`, makes it where it is absent, and brings it up to date.
    ///
    /// `migrations[n]` leads from version `n` to `n + 1`; each runs once and whole.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`] that names the file where it cannot be opened, is no database,
    /// or was written by a newer version.
    pub async fn open(
        path: impl AsRef<Path>,
        migrations: &'static [&'static str],
    ) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        let opening = tokio::task::spawn_blocking(move || {
            let connection = schema::open(&path, migrations)?;
            let writer = Writer::start(connection, QUEUE)?;
            let reader = Reader::start(schema::open_to_read(&path)?, QUEUE)?;
            Ok::<_, StoreError>(Inner { writer, reader })
        });
        let inner = opening.await.map_err(|_| StoreError::closed())??;
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Runs `job` in a transaction and returns once it is on disk.
    ///
    /// # Errors
    ///
    /// Returns a [`StoreError`], and has changed nothing, where the job or the commit fails.
    pub async fn write<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.writer.run(job).await
    }

    /// Runs `job` on a connection that cannot write.
    pub async fn read<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        self.inner.reader.run(job).await
    }

    /// Asks the database for an answer, also through the writer.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.read(|connection| connection.query_row("SELECT 1", [], |_| Ok(())))
            .await?;
        self.write(|_| Ok(())).await
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

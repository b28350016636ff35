//! A connection to a SQLite database.

use std::{
    any::Any,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{Arc, mpsc},
};

use tokio::sync::oneshot;

use super::{
    SqliteError,
    worker::{self, Deliver, Job, Numbered, Progress},
};
use crate::Connection;

/// A connection to a SQLite database, which lives on a thread of its own.
pub struct SqliteConnection {
    jobs: mpsc::Sender<Numbered>,
    progress: Arc<Progress>,
    // Of the last job that was given out.
    last: u64,
    // Ends with the thread.
    ended: oneshot::Receiver<()>,
}

/// Work under way, which is given up when this is dropped.
struct Cancel<'a> {
    progress: &'a Progress,
    number: u64,
}

impl SqliteConnection {
    /// Opens a connection on a thread of its own.
    pub(super) async fn open(
        open: impl FnOnce() -> rusqlite::Result<rusqlite::Connection> + Send + 'static,
    ) -> Result<Self, SqliteError> {
        let progress = Arc::new(Progress::default());
        let (opened, outcome) = oneshot::channel();
        let (running, ended) = oneshot::channel();
        let tell = move |result| drop(opened.send(result));
        let jobs = worker::start(Arc::clone(&progress), open, tell, running)
            .map_err(SqliteError::Thread)?;
        outcome.await.map_err(|_| SqliteError::Closed)??;
        Ok(Self {
            jobs,
            progress,
            last: 0,
            ended,
        })
    }

    /// Runs `work` on the connection's thread.
    ///
    /// Dropped before it is done, work that has not begun never does, and a statement that runs is interrupted;
    /// whether its effect remains is as uncertain as with a connection that breaks. The pool resets the connection
    /// before anybody else has it.
    ///
    /// # Errors
    ///
    /// Returns the error of `work`, or [`SqliteError::Closed`] where the thread is gone.
    ///
    /// # Panics
    ///
    /// Panics where `work` does, with its payload; the connection stays usable.
    pub async fn run<T, F>(&mut self, work: F) -> Result<T, SqliteError>
    where
        F: FnOnce(&mut rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (deliver, delivered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = catch_unwind(AssertUnwindSafe(|| work(connection)));
            let deliver: Deliver = Box::new(move || drop(deliver.send(result)));
            deliver
        });
        self.last += 1;
        let number = self.last;
        let sent = self.jobs.send(Numbered { number, job });
        sent.map_err(|_| SqliteError::Closed)?;
        let cancel = Cancel {
            progress: &self.progress,
            number,
        };
        let delivered: Result<Result<_, Box<dyn Any + Send>>, _> = delivered.await;
        // It is done: there is nothing to give up.
        std::mem::forget(cancel);
        match delivered {
            Ok(Ok(result)) => Ok(result?),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(SqliteError::Closed),
        }
    }

    /// Returns whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        self.progress.is_in_transaction()
    }
}

impl Connection for SqliteConnection {
    type Error = SqliteError;

    async fn check(&mut self) -> Result<(), SqliteError> {
        let version = |sqlite: &mut rusqlite::Connection| {
            sqlite.query_row("PRAGMA schema_version", (), |row| row.get::<_, i64>(0))
        };
        self.run(version).await.map(drop)
    }

    /// Waits for what still runs, and rolls back.
    async fn reset(&mut self) -> Result<(), SqliteError> {
        let roll_back = |sqlite: &mut rusqlite::Connection| {
            if sqlite.is_autocommit() {
                Ok(())
            } else {
                sqlite.execute_batch("ROLLBACK")
            }
        };
        self.run(roll_back).await
    }

    /// Closes the database, and waits until that is done.
    async fn close(self) {
        let Self { jobs, ended, .. } = self;
        drop(jobs);
        // An error is what it waits for: the thread let go of its end.
        let _ = ended.await;
    }

    fn is_dirty(&self) -> bool {
        !self.progress.is_clean(self.last)
    }

    fn is_closed(&self) -> bool {
        self.progress.is_ended()
    }
}

impl fmt::Debug for SqliteConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteConnection")
            .field("progress", &self.progress)
            .finish_non_exhaustive()
    }
}

impl Drop for Cancel<'_> {
    fn drop(&mut self) {
        self.progress.cancel(self.number);
    }
}

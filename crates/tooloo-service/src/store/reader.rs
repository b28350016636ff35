//! The reading thread.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::mpsc::{SyncSender, TrySendError, sync_channel},
    thread,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::StoreError;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Sends jobs to the reading thread.
#[derive(Debug)]
pub(super) struct Reader {
    jobs: SyncSender<Job>,
}

impl Reader {
    pub(super) fn start(connection: Connection, queue: usize) -> Result<Self, StoreError> {
        let (jobs, waiting) = sync_channel::<Job>(queue);
        thread::Builder::new()
            .name("store-reader".to_owned())
            .spawn(move || waiting.iter().for_each(|job| job(&connection)))
            .map_err(StoreError::thread)?;
        Ok(Self { jobs })
    }

    pub(super) async fn run<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let job = move |connection: &Connection| {
            // Nobody waits any more: nothing to read.
            if caller.is_closed() {
                return;
            }
            let outcome = match panic::catch_unwind(AssertUnwindSafe(|| job(connection))) {
                Ok(result) => result.map_err(StoreError::from),
                Err(_) => Err(StoreError::panicked()),
            };
            drop(caller.send(outcome));
        };
        self.jobs
            .try_send(Box::new(job))
            .map_err(|error| match error {
                TrySendError::Full(_) => StoreError::busy(),
                TrySendError::Disconnected(_) => StoreError::closed(),
            })?;
        answer.await.map_err(|_| StoreError::closed())?
    }
}

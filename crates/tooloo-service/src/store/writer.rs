//! The writing thread: jobs that wait together share a commit.

use std::{
    panic::{self, AssertUnwindSafe},
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    thread,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::StoreError;

/// The most jobs that share a commit.
const BATCH: usize = 256;

/// Sends jobs to the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: SyncSender<Box<dyn Job>>,
}

/// A write whose caller waits for the commit.
trait Job: Send {
    /// Does the work; `false` asks to have it rolled back.
    fn run(&mut self, transaction: &Transaction<'_>) -> bool;

    /// Tells the caller how the commit went.
    fn answer(self: Box<Self>, commit: Result<(), &str>);
}

struct Write<F, T> {
    job: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    caller: oneshot::Sender<Result<T, StoreError>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, queue: usize) -> Result<Self, StoreError> {
        let (jobs, waiting) = sync_channel(queue);
        thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || work(connection, &waiting))
            .map_err(StoreError::thread)?;
        Ok(Self { jobs })
    }

    pub(super) async fn run<T, F>(&self, job: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (caller, answer) = oneshot::channel();
        let write = Write {
            job: Some(job),
            outcome: None,
            caller,
        };
        self.jobs
            .try_send(Box::new(write))
            .map_err(|error| match error {
                TrySendError::Full(_) => StoreError::busy(),
                TrySendError::Disconnected(_) => StoreError::closed(),
            })?;
        answer.await.map_err(|_| StoreError::closed())?
    }
}

impl<F, T> Job for Write<F, T>
where
    F: FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, transaction: &Transaction<'_>) -> bool {
        let Some(job) = self.job.take() else {
            return false;
        };
        // A panic must not end the thread for everyone else; the job is rolled back whole.
        let outcome = match panic::catch_unwind(AssertUnwindSafe(|| job(transaction))) {
            Ok(result) => result.map_err(StoreError::from),
            Err(_) => Err(StoreError::panicked()),
        };
        self.outcome.insert(outcome).is_ok()
    }

    fn answer(self: Box<Self>, commit: Result<(), &str>) {
        let answer = match (self.outcome, commit) {
            (Some(Err(error)), _) => Err(error),
            // A job that has not even begun is lost for the same reason.
            (Some(Ok(_)) | None, Err(message)) => Err(StoreError::commit(message.to_owned())),
            (Some(Ok(value)), Ok(())) => Ok(value),
            (None, Ok(())) => Err(StoreError::closed()),
        };
        // A caller that has gone away needs no answer.
        drop(self.caller.send(answer));
    }
}

fn work(mut connection: Connection, waiting: &Receiver<Box<dyn Job>>) {
    while let Ok(first) = waiting.recv() {
        let mut batch = vec![first];
        batch.extend(waiting.try_iter().take(BATCH - 1));
        let commit = write(&mut connection, &mut batch).map_err(|error| error.to_string());
        for job in batch {
            job.answer(commit.as_ref().copied().map_err(String::as_str));
        }
    }
}

fn write(connection: &mut Connection, batch: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in batch {
        transaction.execute_batch("SAVEPOINT job")?;
        let end = if job.run(&transaction) {
            "RELEASE job"
        } else {
            "ROLLBACK TO job; RELEASE job"
        };
        transaction.execute_batch(end)?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_that_could_not_begin_is_told_why() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Connection::open(folder.path().join("a.sqlite")).unwrap();
        let mut other = open();
        let held = other
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .unwrap();
        let ours = open();
        ours.busy_timeout(std::time::Duration::ZERO).unwrap();
        let writer = Writer::start(ours, 1).unwrap();
        let error = writer.run(|_| Ok(())).await.unwrap_err();
        assert_eq!(error.to_string(), "the commit failed: database is locked");
        held.commit().unwrap();
        writer.run(|_| Ok(())).await.unwrap();
    }
}

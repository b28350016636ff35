//! The thread that a connection lives on.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use rusqlite::Connection;
use tokio::sync::oneshot;

/// Work for a connection; what it returns delivers the result.
pub(super) type Job = Box<dyn FnOnce(&mut Connection) -> Deliver + Send>;

/// Tells whoever waits for the work that it is done.
pub(super) type Deliver = Box<dyn FnOnce() + Send>;

/// A piece of work, in the order it was given out.
pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) job: Job,
}

/// What the thread and the connection's owner tell each other.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The last job that is done.
    finished: AtomicU64,
    /// The last job that nobody waits for.
    cancelled: AtomicU64,
    in_transaction: AtomicBool,
    ended: AtomicBool,
}

/// How many of the virtual machine's steps pass between two looks at whether anybody still waits.
const STEPS: i32 = 1000;

/// Starts the thread; `open` runs on it, `opened` hears of what became of that, and `running` is dropped once the
/// connection is closed.
pub(super) fn start(
    progress: Arc<Progress>,
    open: impl FnOnce() -> rusqlite::Result<Connection> + Send + 'static,
    opened: impl FnOnce(rusqlite::Result<()>) + Send + 'static,
    running: oneshot::Sender<()>,
) -> io::Result<mpsc::Sender<Numbered>> {
    let (jobs, inbox) = mpsc::channel();
    let thread = thread::Builder::new().name("sqlite".to_owned());
    thread.spawn(move || {
        let _running = running;
        let ended = Ended(progress);
        let connection = open().and_then(|mut connection| {
            watch(&mut connection, &ended.0)?;
            Ok(connection)
        });
        match connection {
            Ok(connection) => {
                opened(Ok(()));
                work(connection, &inbox, &ended.0);
            }
            Err(error) => opened(Err(error)),
        }
    })?;
    Ok(jobs)
}

/// Works until the owner is gone.
fn work(mut connection: Connection, inbox: &mpsc::Receiver<Numbered>, progress: &Progress) {
    while let Ok(Numbered { number, job }) = inbox.recv() {
        if progress.is_cancelled(number) {
            progress.finish(number, &connection);
            continue;
        }
        let deliver = job(&mut connection);
        // Before the result is known: whoever has it may ask at once whether the connection is clean.
        progress.finish(number, &connection);
        deliver();
    }
}

/// Has statements of cancelled work interrupted.
fn watch(connection: &mut Connection, progress: &Arc<Progress>) -> rusqlite::Result<()> {
    let progress = Arc::clone(progress);
    let given_up = move || progress.is_cancelled(progress.finished.load(Ordering::Acquire) + 1);
    connection.progress_handler(STEPS, Some(given_up))
}

/// Says that the thread is gone, however it ends.
struct Ended(Arc<Progress>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}

impl Progress {
    pub(super) fn cancel(&self, number: u64) {
        self.cancelled.fetch_max(number, Ordering::AcqRel);
    }

    /// Returns whether all work up to `number` is done, and no transaction is open.
    pub(super) fn is_clean(&self, number: u64) -> bool {
        self.finished.load(Ordering::Acquire) == number
            && !self.in_transaction.load(Ordering::Acquire)
    }

    pub(super) fn is_in_transaction(&self) -> bool {
        self.in_transaction.load(Ordering::Acquire)
    }

    pub(super) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn is_cancelled(&self, number: u64) -> bool {
        number <= self.cancelled.load(Ordering::Acquire)
    }

    fn finish(&self, number: u64, connection: &Connection) {
        let in_transaction = !connection.is_autocommit();
        self.in_transaction.store(in_transaction, Ordering::Release);
        self.finished.store(number, Ordering::Release);
    }
}

//! Work that is done although whoever asked for it goes away.

use std::{future, panic};

use tokio_util::task::TaskTracker;

/// Does `work` in a task of its own, which `tasks` keeps track of, within the trace of its caller.
///
/// A client that leaves has the future of its handler dropped, and a transaction that is dropped is
/// rolled back: what is to be written all the same goes through here.
///
/// # Panics
///
/// Panics where the work does.
pub(crate) async fn finish<T: Send + 'static>(
    tasks: &TaskTracker,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let task = match tooloo_trace::current() {
        Some(context) => tasks.spawn(context.in_scope(work)),
        None => tasks.spawn(work),
    };
    match task.await.map_err(tokio::task::JoinError::try_into_panic) {
        Ok(value) => value,
        Err(Ok(panic)) => panic::resume_unwind(panic),
        // The runtime ends, and everyone who waits with it.
        Err(Err(_)) => future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;
    use tokio_test::{assert_pending, task};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_goes_on_after_whoever_waits_for_it_has_left() {
        let tasks = TaskTracker::new();
        let (go, gone) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let work = async move {
            gone.await.unwrap();
            done.send(()).unwrap();
        };
        let mut waiting = task::spawn(finish(&tasks, work));
        assert_pending!(waiting.poll());
        drop(waiting);
        go.send(()).unwrap();
        tasks.close();
        tasks.wait().await;
        is_done.await.unwrap();
    }
}

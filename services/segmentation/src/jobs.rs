//! Runs computations beside the request threads, a few at a time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;
use tooloo_service::Problem;

/// A full house clears in about this time.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Places for computations.
///
/// A computation keeps its place until it ends, also when whoever asked for it went away: the
/// processor is busy with it all the same.
#[derive(Debug)]
pub(crate) struct Jobs {
    places: Arc<Semaphore>,
    limit: usize,
    refused: AtomicU64,
}

impl Jobs {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limit)),
            limit,
            refused: AtomicU64::new(0),
        }
    }

    /// Runs `work` and returns what it made.
    ///
    /// # Errors
    ///
    /// Answers 503 where no place is free: it neither waits nor starts.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, Problem>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else {
            self.refused.fetch_add(1, Ordering::Relaxed);
            let detail = format!("all {} places for computations are taken", self.limit);
            return Err(Problem::unavailable("busy", detail).with_retry_after(RETRY_AFTER));
        };
        let job = tokio::task::spawn_blocking(move || {
            let made = work();
            drop(place);
            made
        });
        job.await.map_err(|error| {
            tracing::error!(%error, "a computation failed");
            Problem::internal("computation_failed", "the computation failed")
        })
    }

    /// Returns how many run at most.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// Returns how many run now.
    pub(crate) fn running(&self) -> usize {
        self.limit - self.places.available_permits()
    }

    /// Returns how many found no place since the start.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use http::StatusCode;
    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn refuses_what_finds_no_place_and_says_when_to_come_back() {
        let jobs = Arc::new(Jobs::new(1));
        let (finish, wait) = mpsc::channel::<()>();
        let (started, running) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let jobs = Arc::clone(&jobs);
            async move {
                let work = move || {
                    started.send(()).unwrap();
                    wait.recv().unwrap();
                    7
                };
                jobs.run(work).await
            }
        });
        timeout(SOON, running).await.unwrap().unwrap();

        let refusal = jobs.run(|| ()).await.unwrap_err();
        assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refusal.retry_after(), Some(RETRY_AFTER));
        assert_eq!((jobs.running(), jobs.refused()), (1, 1));

        finish.send(()).unwrap();
        assert_eq!(timeout(SOON, first).await.unwrap().unwrap().unwrap(), 7);
        assert_eq!(jobs.running(), 0);
        assert_eq!(jobs.run(|| 8).await.unwrap(), 8);
    }

    #[tokio::test]
    async fn keeps_the_place_of_an_abandoned_computation_until_it_ends() {
        let jobs = Arc::new(Jobs::new(1));
        let (finish, wait) = mpsc::channel::<()>();
        let (started, running) = tokio::sync::oneshot::channel();
        let abandoned = tokio::spawn({
            let jobs = Arc::clone(&jobs);
            async move {
                let work = move || {
                    started.send(()).unwrap();
                    wait.recv().unwrap();
                };
                jobs.run(work).await
            }
        });
        timeout(SOON, running).await.unwrap().unwrap();
        abandoned.abort();
        assert!(
            timeout(SOON, abandoned)
                .await
                .unwrap()
                .unwrap_err()
                .is_cancelled()
        );
        assert_eq!(jobs.running(), 1);

        finish.send(()).unwrap();
        let free = timeout(SOON, jobs.places.acquire()).await.unwrap();
        drop(free.unwrap());
        assert_eq!(jobs.running(), 0);
    }

    #[tokio::test]
    async fn answers_for_a_computation_that_panics_and_frees_its_place() {
        let jobs = Jobs::new(1);
        let problem = jobs.run(|| panic!("on purpose")).await.unwrap_err();
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(jobs.run(|| 8).await.unwrap(), 8);
    }
}

//! Asks once what many ask for at the same time.

use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use serde::Serialize;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Work in flight by key.
///
/// The work runs in a task of its own: an asker that leaves, also the first one, takes nothing
/// from those that stay. Clones share what is in flight. How much may be in flight is up to the
/// work, which is expected to refuse where there is too much of it.
pub(crate) struct SingleFlight<K, V> {
    inner: Arc<Inner<K, V>>,
}

/// What came of asking.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Landing<V> {
    /// What the work returned; `None` where it panicked.
    pub(crate) value: Option<V>,
    /// Whether another asker had started the work.
    pub(crate) coalesced: bool,
}

/// Figures of a [`SingleFlight`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SingleFlightSnapshot {
    /// Different questions being asked now.
    pub(crate) in_flight: usize,
    /// Askers so far that were answered by a question already in flight.
    pub(crate) coalesced: u64,
}

struct Inner<K, V> {
    flights: Mutex<HashMap<K, watch::Receiver<Option<V>>>>,
    coalesced: AtomicU64,
    tasks: TaskTracker,
}

impl<K, V> SingleFlight<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// Creates an empty one, whose work `tasks` keeps track of.
    pub(crate) fn new(tasks: TaskTracker) -> Self {
        Self {
            inner: Arc::new(Inner {
                flights: Mutex::default(),
                coalesced: AtomicU64::new(0),
                tasks,
            }),
        }
    }

    /// Joins the work in flight for `key`, or starts `work`.
    ///
    /// `work` is called before this returns a future that waits, so it may look at its caller's
    /// context.
    pub(crate) async fn ask<F>(&self, key: &K, work: impl FnOnce() -> F) -> Landing<V>
    where
        F: Future<Output = V> + Send + 'static,
    {
        let (mut flight, coalesced) = self.join_or_start(key, work);
        // An error means that the sender is gone without a value: the work panicked.
        let landed = flight.wait_for(Option::is_some).await;
        let value = landed.ok().and_then(|value| value.clone());
        Landing { value, coalesced }
    }

    fn join_or_start<F>(
        &self,
        key: &K,
        work: impl FnOnce() -> F,
    ) -> (watch::Receiver<Option<V>>, bool)
    where
        F: Future<Output = V> + Send + 'static,
    {
        let sender = {
            let mut flights = self.inner.lock();
            if let Some(flight) = flights.get(key) {
                self.inner.coalesced.fetch_add(1, Ordering::Relaxed);
                return (flight.clone(), true);
            }
            let (sender, receiver) = watch::channel(None);
            flights.insert(key.clone(), receiver);
            sender
        };
        let receiver = sender.subscribe();
        let entry = Entry {
            inner: Arc::clone(&self.inner),
            key: key.clone(),
        };
        let work = work();
        self.inner.tasks.spawn(async move {
            let value = work.await;
            // The question is off the board before its answer is out: whoever comes later asks anew.
            drop(entry);
            sender.send_replace(Some(value));
        });
        (receiver, false)
    }

    pub(crate) fn snapshot(&self) -> SingleFlightSnapshot {
        SingleFlightSnapshot {
            in_flight: self.inner.lock().len(),
            coalesced: self.inner.coalesced.load(Ordering::Relaxed),
        }
    }
}

impl<K, V> Clone for SingleFlight<K, V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<K, V> fmt::Debug for SingleFlight<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SingleFlight").finish_non_exhaustive()
    }
}

impl<K, V> Inner<K, V> {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<K, watch::Receiver<Option<V>>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a key off the board, also where its work panics.
struct Entry<K: Eq + Hash, V> {
    inner: Arc<Inner<K, V>>,
    key: K,
}

impl<K: Eq + Hash, V> Drop for Entry<K, V> {
    fn drop(&mut self) {
        let landed = self.inner.lock().remove(&self.key);
        // Dropped after the lock is released.
        drop(landed);
    }
}

#[cfg(test)]
mod tests {
    use std::{future, time::Duration};

    use tokio::{sync::oneshot, time};
    use tokio_test::{assert_pending, task};

    use super::*;

    fn flights() -> SingleFlight<&'static str, u32> {
        SingleFlight::new(TaskTracker::new())
    }

    async fn landed<F: Future>(future: F) -> F::Output {
        let limit = Duration::from_secs(5);
        time::timeout(limit, future).await.expect("lands in time")
    }

    #[tokio::test(start_paused = true)]
    async fn asks_once_and_answers_everyone_although_the_first_one_left() {
        let flights = flights();
        let (answer, answered) = oneshot::channel();
        let mut leader = task::spawn(flights.ask(&"key", || async { answered.await.unwrap() }));
        assert_pending!(leader.poll());
        let mut follower = task::spawn(flights.ask(&"key", || async { panic!("asked twice") }));
        assert_pending!(follower.poll());
        let snapshot = flights.snapshot();
        assert_eq!((snapshot.in_flight, snapshot.coalesced), (1, 1));

        drop(leader);
        answer.send(7).unwrap();
        let landing = landed(follower).await;
        assert_eq!((landing.value, landing.coalesced), (Some(7), true));
        assert_eq!(flights.snapshot().in_flight, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn asks_anew_once_the_answer_is_out() {
        let flights = flights();
        for answer in [1, 2] {
            let landing = landed(flights.ask(&"key", || future::ready(answer))).await;
            assert_eq!((landing.value, landing.coalesced), (Some(answer), false));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_panics_is_over_and_said_so() {
        let flights = flights();
        let landing = landed(flights.ask(&"key", || async { panic!("on purpose") })).await;
        assert_eq!(landing.value, None);
        assert_eq!(flights.snapshot().in_flight, 0);
        let landing = landed(flights.ask(&"key", || future::ready(3))).await;
        assert_eq!(landing.value, Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn different_keys_do_not_wait_for_each_other() {
        let flights = flights();
        let mut stuck = task::spawn(flights.ask(&"stuck", future::pending));
        assert_pending!(stuck.poll());
        let landing = landed(flights.ask(&"other", || future::ready(1))).await;
        assert_eq!(landing.value, Some(1));
    }
}

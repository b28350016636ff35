//! An upstream that counts its calls and answers when it is told to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{sync::Semaphore, time::timeout};
use tooloo_cache::{Cache, Entry, FillError};

/// The keys and values of these tests.
pub(crate) type Numbers = Cache<String, u64>;

/// Answers its n-th call with n.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    calls: Arc<AtomicU64>,
    gate: Arc<Semaphore>,
}

impl Upstream {
    /// Answers at once.
    pub(crate) fn open() -> Self {
        let upstream = Self::gated();
        upstream.release(1 << 20);
        upstream
    }

    /// Answers a call when it is [released](Self::release).
    pub(crate) fn gated() -> Self {
        Self {
            calls: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
        }
    }

    pub(crate) fn release(&self, calls: usize) {
        self.gate.add_permits(calls);
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) async fn call(self) -> u64 {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        self.gate.acquire().await.expect("the gate stays").forget();
        number
    }

    /// Asks the cache, and this where it has nothing.
    pub(crate) async fn ask(&self, cache: &Numbers, key: &str) -> Result<Entry<u64>, &'static str> {
        let upstream = self.clone();
        let fill = move || async move { Ok::<_, &'static str>(upstream.call().await) };
        let asked = soon(cache.get_or_fill(&key.to_owned(), fill)).await;
        asked.map_err(message)
    }

    /// Asks the cache, and has the fill fail after it was released.
    pub(crate) async fn ask_in_vain(
        &self,
        cache: &Numbers,
        key: &str,
    ) -> Result<Entry<u64>, &'static str> {
        let upstream = self.clone();
        let fill = move || async move {
            upstream.call().await;
            Err::<u64, _>("down")
        };
        let asked = soon(cache.get_or_fill(&key.to_owned(), fill)).await;
        asked.map_err(message)
    }
}

/// Waits for what has to happen, and not for ever.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    let long = Duration::from_secs(86_400);
    timeout(long, future).await.expect("it comes to an end")
}

/// Lets the tasks that can go on do so.
pub(crate) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn message(error: FillError<&'static str>) -> &'static str {
    match error {
        FillError::Failed(message) => message,
        FillError::TimedOut => "timed out",
        FillError::Lost => "lost",
        _ => "unknown",
    }
}

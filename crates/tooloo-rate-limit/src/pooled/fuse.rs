//! Stops asking a store that fails, and asks again now and then.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tooloo_clock::Moment;

/// Failures in a row that blow the fuse.
const FAILURES: u32 = 3;

/// How often a store that is away is asked.
///
/// Four probes may go by before one finds a store that is back: they begin to connect, hear that it failed while the
/// store was away, connect again, and teach a new server the script. All that has to fit well into a second.
const RETRY: Duration = Duration::from_millis(100);

/// A small circuit breaker: while it is blown, one request in a tenth of a second is the probe.
#[derive(Debug, Default)]
pub(super) struct Fuse {
    failures: AtomicU32,
    // When the next probe may go; it matters only while there are failures enough.
    next: AtomicU64,
}

impl Fuse {
    /// Whether a request may ask the store. A probe that is dropped is followed by another in time.
    pub(super) fn lets_through(&self, now: Moment) -> bool {
        if !self.has_failures() {
            return true;
        }
        let next = self.next.load(Ordering::Acquire);
        let after = (now + RETRY).as_nanos();
        now.as_nanos() >= next
            && self
                .next
                .compare_exchange(next, after, Ordering::AcqRel, Ordering::Relaxed)
                .is_ok()
    }

    pub(super) fn succeed(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Release);
        }
    }

    pub(super) fn fail(&self, now: Moment) {
        self.next.store((now + RETRY).as_nanos(), Ordering::Release);
        let count = |failures: u32| Some(failures.saturating_add(1).min(FAILURES));
        // Always some: the closure never declines.
        let _ = self
            .failures
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, count);
    }

    /// Whether the store is not asked at the moment.
    pub(super) fn is_blown(&self, now: Moment) -> bool {
        self.has_failures() && !self.wait(now).is_zero()
    }

    /// Returns how long until the next probe.
    pub(super) fn wait(&self, now: Moment) -> Duration {
        let next = Moment::from_nanos(self.next.load(Ordering::Acquire));
        next.saturating_duration_since(now)
    }

    fn has_failures(&self) -> bool {
        self.failures.load(Ordering::Acquire) >= FAILURES
    }
}

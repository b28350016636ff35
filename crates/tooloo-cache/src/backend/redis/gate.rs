//! Leaves a server alone that does not answer, so that nobody waits for it in vain.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use tooloo_clock::Moment;

/// The first pause, and the longest.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

/// Open while the server answers. After a failure it is closed for a while, then lets one call through at
/// a time until one succeeds.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// When the next call may try, in nanoseconds; zero while it is open.
    retry_at: AtomicU64,
    failures: AtomicU32,
}

impl Gate {
    /// Returns whether a call may be made now, that will take no longer than `deadline`.
    pub(crate) fn admits(&self, now: Moment, deadline: Duration) -> bool {
        let retry_at = self.retry_at.load(Ordering::Relaxed);
        if retry_at == 0 {
            return true;
        }
        if now.as_nanos() < retry_at {
            return false;
        }
        // The first to come tries; the next may when it should be done.
        let next = (now + deadline).as_nanos();
        let tries = self.retry_at.compare_exchange(
            retry_at,
            next.max(1),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        tries.is_ok()
    }

    pub(crate) fn is_open(&self) -> bool {
        self.retry_at.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn succeeded(&self) {
        if !self.is_open() {
            self.failures.store(0, Ordering::Relaxed);
            self.retry_at.store(0, Ordering::Relaxed);
        }
    }

    pub(crate) fn failed(&self, now: Moment) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(16);
        let pause = FIRST.saturating_mul(1 << failures).min(LONGEST);
        let retry_at = (now + pause).as_nanos().max(1);
        self.retry_at.store(retry_at, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_failure_one_call_tries_at_a_time() {
        const DEADLINE: Duration = Duration::from_millis(50);
        let gate = Gate::default();
        let start = Moment::from_nanos(1_000_000_000);
        let at = |millis| start + Duration::from_millis(millis);
        let admits = |millis| gate.admits(at(millis), DEADLINE);
        assert!(admits(0) && admits(0));
        gate.failed(at(0));
        assert!(!admits(99));
        assert!(admits(100));
        assert!(!admits(149), "one is trying");
        gate.failed(at(150));
        assert!(!admits(349));
        assert!(admits(350));
        gate.succeeded();
        assert!(admits(351) && admits(351));
    }

    #[test]
    fn pauses_are_bounded() {
        let gate = Gate::default();
        let now = Moment::from_nanos(1);
        for _ in 0..100 {
            gate.failed(now);
        }
        assert!(gate.admits(now + LONGEST, Duration::ZERO));
    }
}

//! Counts the recent results of a closed breaker's calls, from many threads at once and without a lock.
//!
//! Each result belongs to a generation, the spell in which its call passed. Every word that is written
//! says of which generation it is, and each write is one compare-and-swap: a result of an older
//! generation finds another word there and changes nothing.

mod by_count;
mod by_time;
mod run;

use tooloo_clock::Moment;

pub(crate) use self::run::Run;
use self::{by_count::ByCount, by_time::ByTime};
use crate::{Cause, CircuitBreakerConfig, Rate, config::WindowKind, state::Mark};

/// The results in the window.
#[derive(Debug)]
pub(crate) enum Recent {
    ByCount(ByCount),
    ByTime(ByTime),
}

/// What the results in the window add up to.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Tally {
    pub(crate) calls: u32,
    pub(crate) failed: u32,
    pub(crate) slow: u32,
}

impl Recent {
    pub(crate) fn new(config: &CircuitBreakerConfig) -> Self {
        match config.window.kind() {
            WindowKind::Calls(calls) => Self::ByCount(ByCount::new(calls)),
            WindowKind::Time(time) => Self::ByTime(ByTime::new(time)),
        }
    }

    /// Starts `generation` with an empty window; to be called by one thread at a time.
    pub(crate) fn begin(&self, generation: u64) {
        match self {
            Self::ByCount(calls) => calls.begin(generation),
            Self::ByTime(calls) => calls.begin(generation),
        }
    }

    /// Returns whether a good call of `generation` would change nothing; false where it is hard to say.
    #[inline]
    pub(crate) fn is_all_good(&self, generation: u64) -> bool {
        match self {
            Self::ByCount(calls) => calls.is_all_good(generation),
            // Each call counts there.
            Self::ByTime(_) => false,
        }
    }

    /// Adds the result of a call of `generation`; returns whether that one is still the present.
    pub(crate) fn record(&self, generation: u64, mark: Mark, now: impl FnOnce() -> Moment) -> bool {
        match self {
            Self::ByCount(calls) => calls.record(generation, mark),
            Self::ByTime(calls) => calls.record(generation, mark, now()),
        }
    }

    pub(crate) fn tally(&self, now: Moment) -> Tally {
        match self {
            Self::ByCount(calls) => calls.tally(),
            Self::ByTime(calls) => calls.tally(now),
        }
    }

    /// Returns why these results and a run of so many failures are too bad, where they are.
    pub(crate) fn reason_to_open(
        &self,
        run: u32,
        now: Moment,
        config: &CircuitBreakerConfig,
    ) -> Option<Cause> {
        let longest = config.consecutive_failures;
        if longest.is_some_and(|longest| run >= longest.get()) {
            return Some(Cause::ConsecutiveFailures);
        }
        let tally = self.tally(now);
        if tally.calls < config.minimum_calls.get().min(self.capacity()) {
            return None;
        }
        let reached = |rate: Rate, part| rate.is_reached(part, tally.calls);
        let slow = config.slow_calls.map(|slow| slow.rate);
        if config
            .failure_rate
            .is_some_and(|rate| reached(rate, tally.failed))
        {
            Some(Cause::FailureRate)
        } else if slow.is_some_and(|rate| reached(rate, tally.slow)) {
            Some(Cause::SlowCallRate)
        } else {
            None
        }
    }

    /// Returns the most calls that the window can hold.
    fn capacity(&self) -> u32 {
        match self {
            Self::ByCount(calls) => calls.capacity(),
            Self::ByTime(_) => u32::MAX,
        }
    }
}

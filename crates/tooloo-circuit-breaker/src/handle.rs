//! A read-only view.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use prometheus_client::encoding::DescriptorEncoder;
use serde::Serialize;
use tokio::sync::watch;
use tooloo_clock::Moment;
use tooloo_hub::Observe;

use crate::{StateChange, Status, breaker::Inner, encode, figures::End, recent::Tally};

/// Reads a breaker's figures after it has been moved into a stack.
#[derive(Clone, Debug)]
pub struct CircuitBreakerHandle {
    breaker: Arc<Inner>,
}

/// What a breaker is doing and has done so far.
///
/// Counts are of all calls since the breaker was made; rates are of those in its window. What cannot be
/// known yet is `None`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CircuitBreakerSnapshot {
    /// The present state.
    pub status: Status,
    /// Calls that were let through and have ended, in any way.
    pub call_count: u64,
    /// Those of them that succeeded.
    pub success_count: u64,
    /// Those that failed, or were throttled.
    pub failure_count: u64,
    /// Those that succeeded or failed, but slowly.
    pub slow_count: u64,
    /// Those whose result tells nothing of the callee.
    pub ignored_count: u64,
    /// Those that were dropped before they were done.
    pub cancelled_count: u64,
    /// Calls that were refused.
    pub rejected_count: u64,
    /// The part of the recent calls that failed.
    pub failure_rate: Option<f64>,
    /// The part of the recent calls that was slow; `None` also where no call counts as slow.
    pub slow_call_rate: Option<f64>,
    /// How many calls failed one after the other, up to now.
    pub consecutive_failures: u32,
    /// Probes that are under way.
    pub probes: usize,
    /// How often it has opened, by itself or by hand.
    pub open_count: u64,
    /// Until when it is open.
    pub open_until: Option<Timestamp>,
    /// When a call last failed.
    pub last_failure_time: Option<Timestamp>,
    /// The change to the present state.
    pub last_change: StateChange,
}

impl CircuitBreakerHandle {
    pub(crate) fn new(breaker: Arc<Inner>) -> Self {
        Self { breaker }
    }

    /// Returns the present state.
    pub fn status(&self) -> Status {
        self.breaker.gate.word().status()
    }

    /// Follows the changes of state, as [`CircuitBreaker::subscribe`](crate::CircuitBreaker::subscribe) does.
    pub fn subscribe(&self) -> watch::Receiver<StateChange> {
        self.breaker.state.subscribe()
    }
}

impl Observe for CircuitBreakerHandle {
    type Snapshot = CircuitBreakerSnapshot;

    fn snapshot(&self) -> CircuitBreakerSnapshot {
        CircuitBreakerSnapshot::of(&self.breaker)
    }

    fn encode(&self, metrics: DescriptorEncoder<'_>) -> fmt::Result {
        encode::metrics(&[(None, &self.breaker)], metrics)
    }
}

impl CircuitBreakerSnapshot {
    pub(crate) fn of(breaker: &Inner) -> Self {
        let Inner {
            gate,
            figures,
            state,
        } = breaker;
        let word = gate.word();
        let tally = gate.tally(tooloo_clock::coarse());
        let timed = gate.config().slow_calls.is_some();
        let [success_count, failure_count, ignored_count, cancelled_count] =
            [End::Succeeded, End::Failed, End::Ignored, End::Cancelled]
                .map(|end| figures.ended(end));
        Self {
            status: word.status(),
            call_count: success_count + failure_count + ignored_count + cancelled_count,
            success_count,
            failure_count,
            slow_count: figures.slow(),
            ignored_count,
            cancelled_count,
            rejected_count: figures.rejected(),
            failure_rate: tally.failure_rate(),
            slow_call_rate: tally.slow_call_rate().filter(|_| timed),
            consecutive_failures: gate.consecutive_failures(),
            probes: gate.probes_under_way(),
            open_count: figures.changes(Status::Open) + figures.changes(Status::ForcedOpen),
            open_until: word.open_until().and_then(on_the_wall),
            last_failure_time: figures.last_failure(),
            last_change: *state.borrow(),
        }
    }
}

impl Tally {
    /// Returns the part of the calls that failed; of no calls there is none.
    pub(crate) fn failure_rate(self) -> Option<f64> {
        (self.calls > 0).then(|| f64::from(self.failed) / f64::from(self.calls))
    }

    fn slow_call_rate(self) -> Option<f64> {
        (self.calls > 0).then(|| f64::from(self.slow) / f64::from(self.calls))
    }
}

/// Returns what the wall clock will show at `moment`.
fn on_the_wall(moment: Moment) -> Option<Timestamp> {
    let left = moment.saturating_duration_since(Moment::exact());
    Timestamp::try_from(tooloo_clock::wall() + left).ok()
}

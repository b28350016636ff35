//! What is known about a provider from the calls made to it: pure bookkeeping.

use std::time::Duration;

use serde::Serialize;
use tooloo_clock::Instant;

use crate::day::Moment;

/// How much one call moves the latency figure.
const LATENCY_WEIGHT: f64 = 0.2;

/// How much one call moves the error rate.
const ERROR_WEIGHT: f64 = 0.3;

/// After this long without a call the error rate is forgiven by half: it tells of the present.
const FORGIVEN_BY_HALF: Duration = Duration::from_secs(30);

/// The record of one provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    calls: u64,
    failures: u64,
    latency: Option<Duration>,
    error_rate: f64,
    updated: Option<Instant>,
    resting_until: Option<Instant>,
    last_failure: Option<LastFailure>,
}

/// The newest failure of a provider.
#[derive(Clone, Copy, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct LastFailure {
    /// What went wrong.
    pub(crate) kind: FailureKind,
    /// When.
    pub(crate) time: Moment,
}

/// How a call to a provider failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum FailureKind {
    /// No connection came about, or it broke.
    Unreachable,
    /// No answer came in time.
    TimedOut,
    /// The provider answered 5xx.
    ServerError,
    /// The provider answered 429.
    RateLimited,
    /// The provider refused this service: its key, its model or its path.
    Refused,
    /// The provider refused this prompt, such as one that is too long for its model.
    BadRequest,
    /// The answer was no chat completion.
    BadAnswer,
    /// Too many calls run already; none was made.
    Busy,
    /// The provider asked for a rest that is not over; no call was made.
    Resting,
    /// The provider's circuit breaker let no call through.
    CircuitOpen,
}

impl Record {
    /// Notes a call that was answered after `latency`.
    pub(crate) fn succeeded(&mut self, latency: Duration, now: Instant) {
        self.calls += 1;
        self.latency = Some(match self.latency {
            None => latency,
            Some(before) => before.mul_f64(1.0 - LATENCY_WEIGHT) + latency.mul_f64(LATENCY_WEIGHT),
        });
        self.error_rate = self.error_rate(now) * (1.0 - ERROR_WEIGHT);
        self.updated = Some(now);
    }

    /// Notes a call that failed; a provider that asked for a rest gets it.
    pub(crate) fn failed(
        &mut self,
        kind: FailureKind,
        rest: Option<Duration>,
        now: Instant,
        time: Moment,
    ) {
        self.calls += 1;
        self.failures += 1;
        self.error_rate = self.error_rate(now) * (1.0 - ERROR_WEIGHT) + ERROR_WEIGHT;
        self.updated = Some(now);
        self.last_failure = Some(LastFailure { kind, time });
        if let Some(rest) = rest {
            self.resting_until = self.resting_until.max(Some(now + rest));
        }
    }

    /// Returns how long the provider is still to be left alone.
    pub(crate) fn rest(&self, now: Instant) -> Option<Duration> {
        let rest = self.resting_until?.saturating_duration_since(now);
        (!rest.is_zero()).then_some(rest)
    }

    /// Returns the share of recent calls that failed.
    pub(crate) fn error_rate(&self, now: Instant) -> f64 {
        let Some(updated) = self.updated else {
            return 0.0;
        };
        let idle = now.saturating_duration_since(updated);
        let halvings = idle.as_secs_f64() / FORGIVEN_BY_HALF.as_secs_f64();
        self.error_rate * (-halvings).exp2()
    }

    /// Returns how long recent answers took, if there were any.
    pub(crate) fn latency(&self) -> Option<Duration> {
        self.latency
    }

    /// Returns how many calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// Returns how many of them failed.
    pub(crate) fn failures(&self) -> u64 {
        self.failures
    }

    /// Returns the newest failure, if there was any.
    pub(crate) fn last_failure(&self) -> Option<LastFailure> {
        self.last_failure
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn time() -> Moment {
        Moment::from(tooloo_clock::wall())
    }

    #[test]
    fn a_provider_rests_as_long_as_it_asked_and_no_longer() {
        let now = tooloo_clock::now();
        let mut record = Record::default();
        record.failed(FailureKind::RateLimited, Some(5 * SECOND), now, time());
        // A shorter request does not cut a longer one short.
        record.failed(FailureKind::RateLimited, Some(SECOND), now, time());
        assert_eq!(record.rest(now + 2 * SECOND), Some(3 * SECOND));
        assert_eq!(record.rest(now + 5 * SECOND), None);
    }

    #[test]
    fn failures_are_forgiven_with_time() {
        let now = tooloo_clock::now();
        let mut record = Record::default();
        record.failed(FailureKind::ServerError, None, now, time());
        let fresh = record.error_rate(now);
        assert!((fresh - ERROR_WEIGHT).abs() < 1e-9, "{fresh}");
        let later = record.error_rate(now + FORGIVEN_BY_HALF);
        assert!((later - fresh / 2.0).abs() < 1e-9, "{later}");
    }

    proptest! {
        #[test]
        fn figures_stay_in_their_range(
            calls in prop::collection::vec((any::<bool>(), 0..5_000u64, 0..60u64), 1..50),
        ) {
            let mut now = tooloo_clock::now();
            let mut record = Record::default();
            let mut slowest = Duration::ZERO;
            for (ok, millis, pause) in calls {
                now += Duration::from_secs(pause);
                let latency = Duration::from_millis(millis);
                if ok {
                    slowest = slowest.max(latency);
                    record.succeeded(latency, now);
                } else {
                    record.failed(FailureKind::TimedOut, None, now, time());
                }
                prop_assert!((0.0..=1.0).contains(&record.error_rate(now)));
                prop_assert!(record.latency().unwrap_or_default() <= slowest + Duration::from_micros(1));
                prop_assert!(record.failures() <= record.calls());
            }
        }
    }
}

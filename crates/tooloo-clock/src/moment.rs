//! A point on the monotonic clock that is a plain number.

use std::{ops::Add, time::Duration};

use crate::source;

/// A point on the monotonic clock, in nanoseconds since a beginning that all of a process shares.
///
/// Unlike an [`Instant`](crate::Instant) it fits an atomic, and two kinds of reading make one:
/// [`coarse`](crate::coarse) and [`Moment::exact`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Moment(u64);

impl Moment {
    /// Returns the present exactly, on the scale of [`coarse`](crate::coarse) and never before it.
    #[inline]
    pub fn exact() -> Self {
        Self(source::exact())
    }

    /// Makes a moment of a number of nanoseconds.
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Returns the nanoseconds since the beginning.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Returns the time since `earlier`, or zero where that is later.
    #[inline]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    /// Adds a duration; a moment too far off to be told, five centuries, is the last one.
    #[inline]
    fn add(self, duration: Duration) -> Self {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coarse_reading_is_never_ahead_and_never_runs_backwards() {
        let mut last = crate::coarse();
        for _ in 0..100_000 {
            let coarse = crate::coarse();
            assert!(last <= coarse);
            assert!(coarse <= Moment::exact());
            last = coarse;
        }
    }

    #[test]
    fn a_coarse_reading_is_at_most_ticks_old() {
        // The lag shows only where the machine lets the test run: the best of many is what counts.
        let lags = (0..1000).map(|_| {
            let coarse = crate::coarse();
            Moment::exact().saturating_duration_since(coarse)
        });
        assert!(lags.min() < Some(Duration::from_millis(10)));
    }

    #[test]
    fn the_far_future_is_the_last_moment() {
        let now = Moment::from_nanos(7);
        assert_eq!((now + Duration::MAX).as_nanos(), u64::MAX);
        assert_eq!((now + Duration::from_nanos(3)).as_nanos(), 10);
        assert_eq!(
            now.saturating_duration_since(now + Duration::MAX),
            Duration::ZERO
        );
    }

    #[cfg(feature = "test-util")]
    #[tokio::test(start_paused = true)]
    async fn both_readings_stand_still_with_the_runtime() {
        let start = crate::coarse();
        assert_eq!(Moment::exact(), start);
        tokio::time::advance(Duration::from_millis(7)).await;
        assert_eq!(crate::coarse(), start + Duration::from_millis(7));
        assert_eq!(Moment::exact(), start + Duration::from_millis(7));
    }
}

//! How long queries took: counts by time, four steps to each doubling.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Steps within a doubling; a quantile is within an eighth of the exact one.
const STEPS: usize = 4;
const STEP_BITS: u32 = STEPS.ilog2();
/// Doublings of a microsecond: up to about a minute, beyond which all is one.
const DOUBLINGS: usize = 26;

/// Counts of times.
#[derive(Debug)]
pub(crate) struct Histogram {
    counts: Box<[AtomicU64]>,
    // In nanoseconds.
    sum: AtomicU64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            counts: (0..STEPS * DOUBLINGS).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    pub(crate) fn record(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX >> 16);
        self.counts[step(nanos / 1000)].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(nanos, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        let counts = self.counts.iter();
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    pub(crate) fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum.load(Ordering::Relaxed))
    }

    /// Returns how many took at most as long as `bound`, to the step.
    pub(crate) fn at_most(&self, bound: Duration) -> u64 {
        let micros = u64::try_from(bound.as_micros()).unwrap_or(u64::MAX);
        let counts = self.counts[..=step(micros)].iter();
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Returns the time that `part` of all stayed below; `None` where there were none.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a rank among counts"
    )]
    pub(crate) fn quantile(&self, part: f64) -> Option<Duration> {
        let counts: Vec<u64> = self
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .collect();
        let total: u64 = counts.iter().sum();
        let rank = ((total as f64 * part).ceil() as u64).max(1);
        let mut below = 0;
        counts.into_iter().enumerate().find_map(|(step, count)| {
            below += count;
            (below >= rank).then(|| middle(step))
        })
    }
}

/// Returns the step that a number of microseconds belongs to: below 4 each has its own.
fn step(micros: u64) -> usize {
    let doubling = (micros | 1).ilog2().saturating_sub(STEP_BITS);
    let within = usize::try_from(micros >> doubling).unwrap_or(usize::MAX);
    (doubling as usize * STEPS)
        .saturating_add(within)
        .min(STEPS * DOUBLINGS - 1)
}

/// Returns the time in the middle of a step.
fn middle(step: usize) -> Duration {
    let doubling = (step / STEPS).saturating_sub(1);
    let first = ((step - doubling * STEPS) as u64) << doubling;
    Duration::from_nanos(first * 1000 + ((1000 << doubling) >> 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_an_eighth() {
        for exact in [9_u32, 77, 1_234, 56_789, 4_000_000, 31_000_000] {
            let histogram = Histogram::new();
            histogram.record(Duration::from_micros(exact.into()));
            let shown = histogram.quantile(0.99).unwrap().as_secs_f64() * 1e6;
            let ratio = shown / f64::from(exact);
            assert!((0.88..1.13).contains(&ratio), "{exact} is shown as {shown}");
        }
    }

    #[test]
    fn steps_grow_with_time_and_never_leave_the_counts() {
        let mut last = 0;
        for micros in (0..2000)
            .chain((11..64).map(|bits| 1 << bits))
            .chain([u64::MAX])
        {
            let step = step(micros);
            assert!(last <= step && step < STEPS * DOUBLINGS, "{micros}");
            last = step;
        }
        assert_eq!(last, STEPS * DOUBLINGS - 1);
    }

    #[test]
    fn of_nothing_there_is_no_quantile() {
        assert_eq!(Histogram::new().quantile(0.5), None);
    }
}

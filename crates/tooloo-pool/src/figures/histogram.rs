//! How long borrowers waited: counts by time, eight steps to each doubling.

use std::{array, sync::atomic::AtomicU64, time::Duration};

use tooloo_hub::{PerThread, add_to_own};

/// Steps within a doubling; a quantile is within a sixteenth of the exact one.
const STEPS: usize = 8;
const STEP_BITS: u32 = STEPS.ilog2();
/// Doublings of a microsecond: up to about an hour, beyond which all is one.
const DOUBLINGS: usize = 32;

/// Counts of waits, as each thread that borrows adds to them.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    of: PerThread<Counts>,
}

#[derive(Debug)]
struct Counts {
    steps: [AtomicU64; STEPS * DOUBLINGS],
    // In microseconds.
    sum: AtomicU64,
}

/// Counts of waits, of one moment.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Box<[u64]>,
    // In microseconds.
    sum: u64,
}

impl Waits {
    #[inline]
    pub(crate) fn record(&self, wait: Duration) {
        let micros = micros(wait);
        let step = step(micros);
        if let Some(own) = self.of.own() {
            add_to_own(&own.steps[step], 1);
            add_to_own(&own.sum, micros);
        } else {
            self.of.add(1, |counts| &counts.steps[step]);
            self.of.add(micros, |counts| &counts.sum);
        }
    }

    pub(crate) fn read(&self) -> Histogram {
        let count = |step| self.of.sum(|counts: &Counts| &counts.steps[step]);
        Histogram {
            counts: (0..STEPS * DOUBLINGS).map(count).collect(),
            sum: self.of.sum(|counts| &counts.sum),
        }
    }
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            steps: array::from_fn(|_| AtomicU64::new(0)),
            sum: AtomicU64::new(0),
        }
    }
}

impl Histogram {
    /// Returns how many waits were recorded.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(crate) fn sum(&self) -> Duration {
        Duration::from_micros(self.sum)
    }

    /// Returns how many waits took at most as long as `bound`, to the step.
    pub(crate) fn at_most(&self, bound: Duration) -> u64 {
        self.counts[..=step(micros(bound))].iter().sum()
    }

    /// Returns the wait that `part` of all leases stayed below, where `at_once` more had none; `None` where
    /// there were no leases.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a rank among counts"
    )]
    pub(crate) fn quantile(&self, part: f64, at_once: u64) -> Option<Duration> {
        let total = at_once + self.count();
        if total == 0 {
            return None;
        }
        let rank = ((total as f64 * part).ceil() as u64).max(1);
        let mut below = at_once;
        if below >= rank {
            return Some(Duration::ZERO);
        }
        for (step, count) in self.counts.iter().enumerate() {
            below += count;
            if below >= rank {
                return Some(middle(step));
            }
        }
        Some(middle(self.counts.len() - 1))
    }
}

#[inline]
fn micros(wait: Duration) -> u64 {
    u64::try_from(wait.as_micros()).unwrap_or(u64::MAX >> 16)
}

/// Returns the step that a number of microseconds belongs to: below 8 each has its own.
#[inline]
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
    let nanos = first * 1000 + ((1000 << doubling) >> 1);
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_a_sixteenth() {
        for exact in [9, 77, 1_234, 56_789, 4_000_000, 61_000_000] {
            let waits = Waits::default();
            waits.record(Duration::from_micros(exact));
            let shown = waits.read().quantile(0.5, 0).unwrap().as_secs_f64() * 1e6;
            #[expect(clippy::cast_precision_loss, reason = "below a minute in microseconds")]
            let ratio = shown / exact as f64;
            assert!(
                (0.937..1.07).contains(&ratio),
                "{exact} is shown as {shown}"
            );
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
    fn leases_without_a_wait_count_as_none() {
        let waits = Waits::default();
        assert_eq!(waits.read().quantile(0.5, 0), None);
        waits.record(Duration::from_millis(10));
        let histogram = waits.read();
        assert_eq!(histogram.quantile(0.5, 99), Some(Duration::ZERO));
        assert_eq!(histogram.quantile(0.99, 99), Some(Duration::ZERO));
        assert!(histogram.quantile(0.999, 99).unwrap() > Duration::from_millis(9));
        assert_eq!(histogram.at_most(Duration::from_millis(5)), 0);
        assert_eq!(histogram.at_most(Duration::from_millis(20)), 1);
    }
}

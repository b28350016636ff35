//! Quantiles of a distribution.

use std::time::Duration;

use super::histogram::{Distribution, middle};

/// Returns the value that a fraction `q` of all values do not exceed (nearest rank), within 0.55 %;
/// `None` of nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rank lies between 1 and the count"
)]
pub(crate) fn quantile(of: &Distribution, q: f64) -> Option<Duration> {
    let rank = ((of.count as f64 * q).ceil() as u64).max(1);
    let mut below = 0;
    for (index, count) in &of.buckets {
        below += count;
        if below >= rank {
            return Some(Duration::from_secs_f64(middle(*index)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::figures::histogram::Histogram;

    #[test]
    fn nothing_has_no_quantile() {
        assert_eq!(quantile(&Distribution::default(), 0.5), None);
    }

    proptest! {
        #[test]
        fn lies_within_one_percent_of_the_exact_quantile(
            mut nanoseconds in proptest::collection::vec(100_u64..60_000_000_000, 1..400),
            q in 0.01..=1.0_f64,
        ) {
            let histogram = Histogram::new();
            for value in &nanoseconds {
                histogram.record(Duration::from_nanos(*value));
            }
            nanoseconds.sort_unstable();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a small rank")]
            let rank = ((nanoseconds.len() as f64 * q).ceil() as usize).max(1);
            let exact = Duration::from_nanos(nanoseconds[rank - 1]).as_secs_f64();
            let told = quantile(&histogram.distribution(), q).unwrap().as_secs_f64();
            // Durations are whole nanoseconds: at a hundred of them rounding alone is half a percent.
            prop_assert!((told - exact).abs() <= exact * 0.0055 + 0.5e-9, "{told} {exact}");
        }
    }
}

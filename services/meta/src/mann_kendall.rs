//! The Mann–Kendall test: does a series rise or fall at all?
//!
//! Mann, "Nonparametric tests against trend" (1945), with Kendall's (1975) correction for ties. It
//! counts, over all pairs, how often the later value is the larger one, so neither the size of a
//! step nor an outlier weighs more than any other.

use serde::Serialize;
use utoipa::ToSchema;

use crate::normal;

/// Up to this length, and without ties, the distribution of S is counted out exactly.
const EXACT_UP_TO: usize = 30;

/// What the test finds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MannKendall {
    /// Rising pairs less falling pairs.
    pub(crate) s: i64,
    /// The variance of S where there is no trend, ties considered.
    pub(crate) variance: f64,
    /// Kendall's tau-b: -1 always falling, 1 always rising.
    pub(crate) tau: f64,
    /// How likely so strong a trend, either way, is by chance.
    pub(crate) p_value: f64,
    /// Whether the p-value is exact rather than from the normal approximation.
    pub(crate) exact: bool,
}

/// Tests a series of finite values in the order of time.
///
/// A series whose values are all equal has no trend: its p-value is 1.
pub(crate) fn test(series: &[f64]) -> MannKendall {
    let s = score(series);
    let ties = ties(series);
    let variance = variance(series.len(), &ties);
    let pairs = |n: u64| n * n.saturating_sub(1) / 2;
    let all = pairs(series.len() as u64);
    let untied = all - ties.iter().copied().map(pairs).sum::<u64>();
    let exact = ties.is_empty() && series.len() <= EXACT_UP_TO;
    MannKendall {
        s,
        variance,
        tau: if untied == 0 {
            0.0
        } else {
            float(s) / (approximate(all) * approximate(untied)).sqrt()
        },
        p_value: if exact {
            exact_p(series.len(), s)
        } else {
            approximate_p(s, variance)
        },
        exact,
    }
}

/// Returns the variance of S for `n` values, of which groups of `ties` are equal.
pub(crate) fn variance(n: usize, ties: &[u64]) -> f64 {
    let term = |n: u64| approximate(n) * (approximate(n) - 1.0) * (2.0 * approximate(n) + 5.0);
    (term(n as u64) - ties.iter().copied().map(term).sum::<f64>()) / 18.0
}

/// Returns the sizes of the groups of equal values.
pub(crate) fn ties(series: &[f64]) -> Vec<u64> {
    let mut sorted = series.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
        .chunk_by(|a, b| a.total_cmp(b).is_eq())
        .map(|group| group.len() as u64)
        .filter(|&size| size > 1)
        .collect()
}

fn score(series: &[f64]) -> i64 {
    let mut s = 0;
    for (index, earlier) in series.iter().enumerate() {
        for later in &series[index + 1..] {
            s += later.total_cmp(earlier) as i64;
        }
    }
    s
}

/// Doubles the tail beyond |S|, which is moved half a step inwards because S is discrete.
fn approximate_p(s: i64, variance: f64) -> f64 {
    if variance <= 0.0 {
        return 1.0;
    }
    let z = (float(s.abs()) - 1.0).max(0.0) / variance.sqrt();
    (2.0 * normal::upper_tail(z)).min(1.0)
}

/// Counts the orders of `n` values by their falling pairs, one value at a time.
///
/// The n-th value can be put behind 0 to n − 1 larger ones, each as likely as the other.
fn exact_p(n: usize, s: i64) -> f64 {
    let mut chance = vec![1.0];
    for placed in 2..=n {
        let mut next = vec![0.0; chance.len() + placed - 1];
        for (falling, &weight) in chance.iter().enumerate() {
            for slot in &mut next[falling..falling + placed] {
                *slot += weight / approximate(placed as u64);
            }
        }
        chance = next;
    }
    // With f falling pairs of all p, S is p - 2f: the orders at least as far up as |S|.
    let pairs = chance.len() as u64 - 1;
    let falling = pairs.saturating_sub(s.unsigned_abs()) / 2;
    let tail: f64 = chance
        .iter()
        .zip(0..=falling)
        .map(|(chance, _)| chance)
        .sum();
    (2.0 * tail).min(1.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of pairs stay far below 2^52"
)]
fn float(count: i64) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of pairs stay far below 2^52"
)]
fn approximate(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Few distinct values, so that ties are common.
    fn tied() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec((0_u8..6).prop_map(f64::from), 0..40)
    }

    fn naive_score(series: &[f64]) -> i64 {
        let mut s = 0;
        for j in 0..series.len() {
            for i in 0..j {
                s += match series[j] - series[i] {
                    difference if difference > 0.0 => 1,
                    difference if difference < 0.0 => -1,
                    _ => 0,
                };
            }
        }
        s
    }

    /// The variance and the two-sided p-value of S over every order of the values.
    fn over_all_orders(series: &[f64]) -> (f64, f64) {
        fn visit(rest: &mut Vec<f64>, chosen: &mut Vec<f64>, scores: &mut Vec<i64>) {
            if rest.is_empty() {
                scores.push(naive_score(chosen));
            }
            for index in 0..rest.len() {
                let value = rest.remove(index);
                chosen.push(value);
                visit(rest, chosen, scores);
                chosen.pop();
                rest.insert(index, value);
            }
        }
        let mut scores = Vec::new();
        visit(&mut series.to_vec(), &mut Vec::new(), &mut scores);
        let count = approximate(scores.len() as u64);
        let square: i64 = scores.iter().map(|s| s * s).sum();
        let observed = naive_score(series).abs();
        let beyond = scores.iter().filter(|s| s.abs() >= observed).count();
        (float(square) / count, approximate(beyond as u64) / count)
    }

    proptest! {
        #[test]
        fn s_and_tau_equal_the_definition(series in tied()) {
            let found = test(&series);
            prop_assert_eq!(found.s, naive_score(&series));
            prop_assert!(found.tau.abs() <= 1.0 + 1e-12);
            prop_assert!(found.p_value > 0.0 && found.p_value <= 1.0);
        }

        #[test]
        fn the_variance_is_that_of_s_over_every_order(
            series in prop::collection::vec((0_u8..4).prop_map(f64::from), 0..8),
        ) {
            let (variance, _) = over_all_orders(&series);
            let found = test(&series).variance;
            prop_assert!((found - variance).abs() < 1e-9, "{found} is not {variance}");
        }

        #[test]
        fn the_exact_p_value_is_a_count_of_orders(
            series in Just((0..7_u8).map(f64::from).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let found = test(&series);
            prop_assert!(found.exact);
            let (_, p) = over_all_orders(&series);
            prop_assert!((found.p_value - p).abs() < 1e-9, "{} is not {p}", found.p_value);
        }

        #[test]
        fn the_approximation_is_close_where_the_exact_count_ends(
            series in Just((0..30_u8).map(f64::from).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let found = test(&series);
            let approximate = approximate_p(found.s, found.variance);
            prop_assert!((found.p_value - approximate).abs() < 0.01);
        }

        #[test]
        fn reversing_time_turns_the_sign(mut series in tied()) {
            let forward = test(&series);
            series.reverse();
            let backward = test(&series);
            prop_assert_eq!(forward.s, -backward.s);
            prop_assert!((forward.p_value - backward.p_value).abs() < 1e-12);
        }
    }

    #[test]
    fn a_constant_series_has_no_trend() {
        for length in 0..50 {
            let found = test(&vec![0.7; length]);
            assert_eq!((found.s, found.p_value), (0, 1.0));
        }
    }

    #[test]
    fn agrees_with_a_published_example() {
        // Gilbert, Statistical Methods for Environmental Pollution Monitoring (1987), §16.4.2.
        let found = test(&[10.0, 15.0, 14.0, 20.0]);
        assert_eq!(found.s, 4);
        assert!((found.p_value - 2.0 * 0.167).abs() < 1e-3);
    }
}

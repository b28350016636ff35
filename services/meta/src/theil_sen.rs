//! The Theil–Sen line: a slope that outliers cannot pull.
//!
//! Theil (1950) and Sen, "Estimates of the regression coefficient based on Kendall's tau" (1968):
//! the slope is the median of the slopes of all pairs, and stays close to the truth while under
//! 29 % of the values are arbitrary. Its interval comes from the distribution of Kendall's S.

use crate::{mann_kendall, normal};

/// A line through a series whose values are one step apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    pub(crate) slope: f64,
    /// The line at the first value.
    pub(crate) intercept: f64,
    /// The ends of the slope's interval.
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Line {
    /// Fits finite values in the order of time; the slope's interval covers `1 - alpha`.
    ///
    /// `None` for fewer than two values.
    pub(crate) fn fit(series: &[f64], alpha: f64) -> Option<Self> {
        let mut slopes = slopes(series);
        if slopes.is_empty() {
            return None;
        }
        slopes.sort_unstable_by(f64::total_cmp);
        let slope = median_of_sorted(&slopes);
        let mut intercepts: Vec<f64> = (0..)
            .zip(series)
            .map(|(x, y)| y - slope * f64::from(x))
            .collect();
        intercepts.sort_unstable_by(f64::total_cmp);
        let (low, high) = interval(&slopes, series, alpha);
        Some(Self {
            slope,
            intercept: median_of_sorted(&intercepts),
            low,
            high,
        })
    }

    /// Returns the line's value `x` steps after the first.
    pub(crate) fn at(&self, x: f64) -> f64 {
        self.intercept + self.slope * x
    }
}

/// Returns the value below which `fraction` of the sorted values lie.
pub(crate) fn quantile_of_sorted(sorted: &[f64], fraction: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted[nearest(count(last) * fraction, last)]
}

fn slopes(series: &[f64]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(series.len() * series.len().saturating_sub(1) / 2);
    for (index, earlier) in series.iter().enumerate() {
        let later = &series[index + 1..];
        slopes.extend(
            (1..)
                .zip(later)
                .map(|(apart, later)| (later - earlier) / f64::from(apart)),
        );
    }
    slopes
}

/// Sen's interval: the slopes that lie z standard deviations of S from the middle.
fn interval(sorted: &[f64], series: &[f64], alpha: f64) -> (f64, f64) {
    let variance = mann_kendall::variance(series.len(), &mann_kendall::ties(series));
    let reach = normal::z_of_tail(alpha / 2.0) * variance.max(0.0).sqrt();
    let slopes = count(sorted.len());
    let last = sorted.len() - 1;
    let low = nearest(((slopes - reach) / 2.0 - 1.0).floor(), last);
    let high = nearest(f64::midpoint(slopes, reach).ceil(), last);
    (sorted[low], sorted[high])
}

fn median_of_sorted(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 {
        sorted[middle]
    } else {
        f64::midpoint(sorted[middle - 1], sorted[middle])
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a series is bounded by the window"
)]
fn count(count: usize) -> f64 {
    count as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the positions of a bounded series first"
)]
fn nearest(position: f64, last: usize) -> usize {
    position.round().clamp(0.0, count(last)) as usize
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive_slope(series: &[f64]) -> f64 {
        let mut all = Vec::new();
        for i in 0..series.len() {
            for j in 0..series.len() {
                if i < j {
                    all.push((series[j] - series[i]) / (count(j) - count(i)));
                }
            }
        }
        all.sort_by(|a, b| a.partial_cmp(b).unwrap());
        let n = all.len();
        f64::midpoint(all[(n - 1) / 2], all[n / 2])
    }

    fn line(intercept: f64, slope: f64, length: usize) -> Vec<f64> {
        (0..length).map(|x| intercept + slope * count(x)).collect()
    }

    proptest! {
        #[test]
        fn the_slope_is_the_median_of_all_pairs(series in prop::collection::vec(0.0..1.0, 2..40)) {
            let found = Line::fit(&series, 0.05).unwrap();
            prop_assert!((found.slope - naive_slope(&series)).abs() < 1e-12);
            prop_assert!(found.low <= found.slope && found.slope <= found.high);
        }

        #[test]
        fn a_wider_interval_contains_a_narrower_one(series in prop::collection::vec(0.0..1.0, 2..40)) {
            let sure = Line::fit(&series, 0.01).unwrap();
            let unsure = Line::fit(&series, 0.2).unwrap();
            prop_assert!(sure.low <= unsure.low && unsure.high <= sure.high);
        }

        #[test]
        fn finds_a_straight_line(
            intercept in -1.0..1.0,
            slope in -0.1..0.1,
            length in 2_usize..60,
        ) {
            let found = Line::fit(&line(intercept, slope, length), 0.05).unwrap();
            prop_assert!((found.slope - slope).abs() < 1e-9);
            prop_assert!((found.intercept - intercept).abs() < 1e-9);
            prop_assert!((found.at(10.0) - intercept - 10.0 * slope).abs() < 1e-9);
        }

        #[test]
        fn a_fifth_of_the_values_may_be_anything(
            slope in -0.1..0.1,
            wrong in prop::collection::btree_map(0_usize..40, -1e6..1e6, 0..8),
        ) {
            let mut series = line(0.0, slope, 40);
            for (index, value) in wrong {
                series[index] = value;
            }
            let found = Line::fit(&series, 0.05).unwrap();
            prop_assert!((found.slope - slope).abs() < 1e-9, "{} is not {slope}", found.slope);
        }
    }

    #[test]
    fn the_interval_covers_the_truth_about_as_often_as_it_says() {
        let mut random = fastrand::Rng::with_seed(1968);
        let runs = 400;
        let covered = (0..runs)
            .filter(|_| {
                let noisy: Vec<_> = line(0.0, 0.01, 30)
                    .into_iter()
                    .map(|value| value + random.f64() - 0.5)
                    .collect();
                let found = Line::fit(&noisy, 0.1).unwrap();
                found.low <= 0.01 && 0.01 <= found.high
            })
            .count();
        assert!((340..=380).contains(&covered), "{covered} of {runs}");
    }

    #[test]
    fn one_value_has_no_slope() {
        assert_eq!(Line::fit(&[], 0.05), None);
        assert_eq!(Line::fit(&[0.5], 0.05), None);
    }
}

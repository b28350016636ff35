//! What comes next, if learning goes on as it does.

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    theil_sen::{Line, quantile_of_sorted},
    trend::{Direction, MIN_POINTS, Trend},
};

/// The mastery expected some rounds ahead.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Ahead {
    /// How many rounds ahead.
    pub(crate) rounds: u16,
    pub(crate) mastery: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// In how many rounds something is expected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct RoundsUntil {
    pub(crate) expected: f64,
    pub(crate) earliest: f64,
    /// `null` where the slowest progress the data allow never gets there.
    pub(crate) latest: Option<f64>,
}

/// Why progress will end.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ending {
    /// The threshold is reached: nothing is left to gain.
    Mastery,
    /// Each half of the window gained less than the one before.
    Slowing,
}

/// Extends the line of `series`, which `trend` was found in, by 1 to `horizon` rounds.
///
/// The interval opens with the slope's, beside what the values scatter around the line. Mastery is
/// a probability, so every figure stays between 0 and 1.
pub(crate) fn ahead(series: &[f64], trend: &Trend, alpha: f64, horizon: u16) -> Vec<Ahead> {
    let line = trend.line;
    let last = position(series.len().saturating_sub(1));
    let mut scatter: Vec<f64> = (0..)
        .zip(series)
        .map(|(index, value)| value - line.at(f64::from(index)))
        .collect();
    scatter.sort_unstable_by(f64::total_cmp);
    let below = quantile_of_sorted(&scatter, alpha / 2.0).min(0.0);
    let above = quantile_of_sorted(&scatter, 1.0 - alpha / 2.0).max(0.0);
    let here = line.at(last);
    (1..=horizon)
        .map(|rounds| {
            let steps = f64::from(rounds);
            let mastery =
                |slope: f64, scatter: f64| (here + slope * steps + scatter).clamp(0.0, 1.0);
            Ahead {
                rounds,
                mastery: mastery(line.slope, 0.0),
                low: mastery(line.low, below),
                high: mastery(line.high, above),
            }
        })
        .collect()
}

/// Returns when a rising series reaches `threshold`.
///
/// `None` where it does not rise, or is there already.
pub(crate) fn mastery(series: &[f64], trend: &Trend, threshold: f64) -> Option<RoundsUntil> {
    let distance = threshold - series.last()?;
    let line = trend.line;
    if trend.direction != Direction::Rising || distance <= 0.0 || line.slope <= 0.0 {
        return None;
    }
    Some(RoundsUntil {
        expected: distance / line.slope,
        earliest: distance / line.high,
        latest: (line.low > 0.0).then(|| distance / line.low),
    })
}

/// Returns when a rising series will have slowed to a standstill.
///
/// The slopes of the window's two halves give how much velocity is lost each round. `None` where
/// the series does not rise, is too short to be halved, or does not slow down.
pub(crate) fn standstill(series: &[f64], trend: &Trend, alpha: f64) -> Option<RoundsUntil> {
    let half = series.len() / 2;
    if trend.direction != Direction::Rising || half < MIN_POINTS {
        return None;
    }
    let early = Line::fit(&series[..half], alpha)?;
    let late = Line::fit(&series[half..], alpha)?;
    let apart = position(half);
    // From the middle of the late half, less the rounds played since.
    let until = |early: f64, late: f64| {
        let lost = (early - late) / apart;
        (lost > 0.0).then(|| (late.max(0.0) / lost - apart / 2.0).max(0.0))
    };
    Some(RoundsUntil {
        expected: until(early.slope, late.slope)?,
        earliest: until(early.high, late.low)?,
        latest: until(early.low, late.high),
    })
}

/// Returns which end of progress comes first, and when.
pub(crate) fn ending(
    series: &[f64],
    trend: &Trend,
    threshold: f64,
    alpha: f64,
) -> Option<(Ending, RoundsUntil)> {
    let mastery = mastery(series, trend, threshold).map(|until| (Ending::Mastery, until));
    let slowing = standstill(series, trend, alpha).map(|until| (Ending::Slowing, until));
    match (mastery, slowing) {
        (Some(mastery), Some(slowing)) if slowing.1.expected < mastery.1.expected => Some(slowing),
        (mastery, slowing) => mastery.or(slowing),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a series is bounded by the window"
)]
fn position(index: usize) -> f64 {
    index as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALPHA: f64 = 0.05;

    fn trend(series: &[f64]) -> Trend {
        Trend::of(series, ALPHA).unwrap()
    }

    fn line(from: f64, slope: f64, length: usize) -> Vec<f64> {
        (0..length).map(|x| from + slope * position(x)).collect()
    }

    #[test]
    fn a_straight_line_reaches_mastery_when_it_says() {
        let series = line(0.1, 0.02, 20);
        let until = mastery(&series, &trend(&series), 0.9).unwrap();
        assert!((until.expected - (0.9 - 0.48) / 0.02).abs() < 1e-6);
        assert!((until.earliest - until.expected).abs() < 1e-6);
        assert!((until.latest.unwrap() - until.expected).abs() < 1e-6);
    }

    #[test]
    fn what_does_not_rise_reaches_nothing() {
        for series in [line(0.9, -0.02, 20), vec![0.5; 20]] {
            assert_eq!(mastery(&series, &trend(&series), 0.95), None);
            assert_eq!(ending(&series, &trend(&series), 0.95, ALPHA), None);
        }
    }

    #[test]
    fn a_series_that_slows_down_stops_before_it_is_mastered() {
        // A parabola whose top lies ten rounds after its end, below the threshold.
        let series: Vec<f64> = (0..40)
            .map(|x| 0.5 - (position(x) - 50.0).powi(2) / 5_200.0)
            .collect();
        let (why, until) = ending(&series, &trend(&series), 0.95, ALPHA).unwrap();
        assert_eq!(why, Ending::Slowing);
        assert!((until.expected - 10.0).abs() < 2.0, "{until:?}");
    }

    #[test]
    fn a_straight_line_ends_in_mastery() {
        let series = line(0.1, 0.01, 40);
        let (why, _) = ending(&series, &trend(&series), 0.95, ALPHA).unwrap();
        assert_eq!(why, Ending::Mastery);
    }

    proptest! {
        #[test]
        fn the_forecast_is_a_probability_within_its_interval(
            series in prop::collection::vec(0.0..=1.0, MIN_POINTS..60),
            horizon in 1_u16..100,
        ) {
            let ahead = ahead(&series, &trend(&series), ALPHA, horizon);
            prop_assert_eq!(ahead.len(), usize::from(horizon));
            for point in ahead {
                prop_assert!(0.0 <= point.low && point.high <= 1.0);
                prop_assert!(point.low <= point.mastery && point.mastery <= point.high);
            }
        }

        #[test]
        fn the_expected_round_lies_between_the_earliest_and_the_latest(
            series in prop::collection::vec(0.0..=1.0, 16..60),
            drift in 0.0..0.1,
        ) {
            let series: Vec<f64> =
                series.iter().enumerate().map(|(x, y)| y + drift * position(x)).collect();
            if let Some((_, until)) = ending(&series, &trend(&series), 100.0, ALPHA) {
                prop_assert!(0.0 <= until.earliest && until.earliest <= until.expected);
                prop_assert!(until.latest.is_none_or(|latest| latest >= until.expected));
            }
        }
    }
}

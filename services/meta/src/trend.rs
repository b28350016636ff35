//! Where a series is heading: up, down, or nowhere.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    mann_kendall::{self, MannKendall},
    theil_sen::Line,
};

/// With fewer values nothing is said.
///
/// From here on a series that always rises is told from a flat one at every level allowed: by
/// chance it has p = 2/8!, far below the smallest.
pub(crate) const MIN_POINTS: usize = 8;

/// Masteries that differ by less are the same.
///
/// The model creeps towards its limits for ever; the test would take its last digits for a trend.
const RESOLUTION: f64 = 0.001;

/// The levels of significance that may be asked for.
pub(crate) const ALPHAS: std::ops::RangeInclusive<f64> = 0.001..=0.2;

/// A series' line, and whether it is more than chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trend {
    pub(crate) direction: Direction,
    pub(crate) line: Line,
    pub(crate) test: MannKendall,
}

/// What the Mann–Kendall test says at the level asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Rising,
    /// No trend that chance would not make as well: a plateau.
    Level,
    Falling,
}

/// How learning stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Improving,
    /// Neither rising nor falling, and not mastered.
    Plateau,
    Declining,
    /// Above the threshold, and not falling.
    Mastered,
    /// Too few rounds to tell.
    Unknown,
}

/// Too little to go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct TooFew {
    pub(crate) found: usize,
}

impl Trend {
    /// Judges finite values in the order of time, at the significance level `alpha`.
    ///
    /// Successive masteries lean on each other, which lets the test see trends sooner than
    /// `alpha` says: where it reports a plateau, there is one in earnest.
    pub(crate) fn of(series: &[f64], alpha: f64) -> Result<Self, TooFew> {
        let too_few = TooFew {
            found: series.len(),
        };
        if series.len() < MIN_POINTS {
            return Err(too_few);
        }
        let line = Line::fit(series, alpha).ok_or(too_few)?;
        let steps: Vec<f64> = series
            .iter()
            .map(|value| (value / RESOLUTION).round())
            .collect();
        let test = mann_kendall::test(&steps);
        let direction = if test.p_value > alpha {
            Direction::Level
        } else if test.s > 0 {
            Direction::Rising
        } else {
            Direction::Falling
        };
        Ok(Self {
            direction,
            line,
            test,
        })
    }
}

impl Status {
    pub(crate) fn new(trend: Option<&Trend>, mastered: bool) -> Self {
        match trend.map(|trend| trend.direction) {
            Some(Direction::Falling) => Self::Declining,
            _ if mastered => Self::Mastered,
            Some(Direction::Rising) => Self::Improving,
            Some(Direction::Level) => Self::Plateau,
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for TooFew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "too little data: {} of at least {MIN_POINTS} rounds",
            self.found
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn direction(series: &[f64], alpha: f64) -> Direction {
        Trend::of(series, alpha).unwrap().direction
    }

    proptest! {
        #[test]
        fn a_series_that_always_rises_or_falls_is_never_a_plateau(
            steps in prop::collection::vec(2.0 * RESOLUTION..1.0, MIN_POINTS..80),
            alpha in *ALPHAS.start()..=*ALPHAS.end(),
        ) {
            let mut sum = 0.0;
            let mut series: Vec<f64> = steps.iter().map(|step| { sum += step; sum }).collect();
            prop_assert_eq!(direction(&series, alpha), Direction::Rising);
            series.reverse();
            prop_assert_eq!(direction(&series, alpha), Direction::Falling);
        }

        #[test]
        fn a_constant_series_is_always_a_plateau(
            value in 0.0..=1.0,
            length in MIN_POINTS..80,
            alpha in *ALPHAS.start()..=*ALPHAS.end(),
        ) {
            let trend = Trend::of(&vec![value; length], alpha).unwrap();
            prop_assert_eq!(trend.direction, Direction::Level);
            prop_assert!(trend.line.slope.abs() < f64::EPSILON);
        }

        #[test]
        fn creeping_towards_a_limit_is_a_plateau(
            limit in 0_u16..=1_000,
            start in -4e-4..4e-4,
            ratio in 0.1..0.99,
        ) {
            let limit = f64::from(limit) * RESOLUTION;
            let series: Vec<f64> = (0..30).map(|x| limit + start * f64::powi(ratio, x)).collect();
            prop_assert_eq!(direction(&series, 0.05), Direction::Level);
        }

        #[test]
        fn says_nothing_about_too_few_values(length in 0..MIN_POINTS) {
            let series: Vec<f64> = (0_u8..).take(length).map(f64::from).collect();
            prop_assert_eq!(Trend::of(&series, 0.05), Err(TooFew { found: length }));
        }
    }

    #[test]
    fn noise_around_a_level_is_rarely_called_a_trend() {
        let mut random = fastrand::Rng::with_seed(1945);
        let runs = 1_000;
        let trends = (0..runs)
            .filter(|_| {
                let noise: Vec<_> = (0..40).map(|_| random.f64()).collect();
                direction(&noise, 0.05) != Direction::Level
            })
            .count();
        assert!((30..=70).contains(&trends), "{trends} of {runs}");
    }

    #[test]
    fn a_mastered_topic_is_at_no_plateau_unless_it_falls() {
        let rising: Vec<f64> = (0..10_u8).map(f64::from).collect();
        let falling: Vec<f64> = rising.iter().rev().copied().collect();
        let status =
            |series: &[f64], mastered| Status::new(Trend::of(series, 0.05).ok().as_ref(), mastered);
        assert_eq!(status(&rising, false), Status::Improving);
        assert_eq!(status(&[0.5; 10], false), Status::Plateau);
        assert_eq!(status(&[0.5; 10], true), Status::Mastered);
        assert_eq!(status(&rising, true), Status::Mastered);
        assert_eq!(status(&falling, true), Status::Declining);
        assert_eq!(status(&[], false), Status::Unknown);
    }
}

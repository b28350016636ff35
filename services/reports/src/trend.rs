//! Slopes that a few odd snapshots cannot bend.

use serde::Serialize;
use utoipa::ToSchema;

/// The most points that are compared with each other.
const MAX_POINTS: usize = 200;

/// Which way a figure goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Direction {
    Rising,
    Falling,
    Flat,
}

/// A figure over time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Trend {
    /// How many snapshots know the figure.
    pub(crate) points: usize,
    pub(crate) first: Option<f64>,
    pub(crate) last: Option<f64>,
    /// The change per hour; `null` for fewer than two points.
    pub(crate) slope_per_hour: Option<f64>,
    pub(crate) direction: Option<Direction>,
}

impl Trend {
    /// Describes points of (hours, value) that are sorted by time.
    ///
    /// The slope is the median of the slopes between any two points (Theil 1950, Sen 1968).
    pub(crate) fn of(points: &[(f64, f64)]) -> Self {
        let slope_per_hour = slope(&thinned(points));
        Self {
            points: points.len(),
            first: points.first().map(|point| point.1),
            last: points.last().map(|point| point.1),
            slope_per_hour,
            direction: slope_per_hour.map(Direction::of),
        }
    }
}

impl Direction {
    fn of(slope: f64) -> Self {
        if slope > 0.0 {
            Self::Rising
        } else if slope < 0.0 {
            Self::Falling
        } else {
            Self::Flat
        }
    }
}

/// Keeps evenly spread points, the first and the last among them.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= MAX_POINTS {
        return points.to_vec();
    }
    let last = points.len() - 1;
    (0..MAX_POINTS)
        .map(|at| points[at * last / (MAX_POINTS - 1)])
        .collect()
}

fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let mut slopes: Vec<f64> = points
        .iter()
        .enumerate()
        .flat_map(|(at, &a)| points[at + 1..].iter().map(move |&b| (a, b)))
        .filter(|(a, b)| b.0 > a.0)
        .map(|(a, b)| (b.1 - a.1) / (b.0 - a.0))
        .collect();
    if slopes.is_empty() {
        return None;
    }
    slopes.sort_by(f64::total_cmp);
    let middle = slopes.len() / 2;
    Some(if slopes.len() % 2 == 1 {
        slopes[middle]
    } else {
        f64::midpoint(slopes[middle - 1], slopes[middle])
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(slope: f64, points: u32) -> Vec<(f64, f64)> {
        (0..points)
            .map(|hour| (hour.into(), slope * f64::from(hour) + 3.0))
            .collect()
    }

    #[test]
    fn one_odd_snapshot_does_not_bend_the_slope() {
        let mut points = line(2.0, 11);
        points[5].1 = 1e6;
        let trend = Trend::of(&points);
        assert_eq!(trend.slope_per_hour, Some(2.0));
        assert_eq!(trend.direction, Some(Direction::Rising));
    }

    #[test]
    fn one_point_has_no_slope() {
        assert_eq!(Trend::of(&line(1.0, 1)).slope_per_hour, None);
        assert_eq!(Trend::of(&[]).last, None);
        // Nor have two at the same moment.
        assert_eq!(Trend::of(&[(1.0, 1.0), (1.0, 2.0)]).slope_per_hour, None);
    }

    proptest! {
        #[test]
        fn finds_the_slope_of_a_line_of_any_length(slope in -100.0..100.0_f64, points in 2..1_000_u32) {
            let found = Trend::of(&line(slope, points)).slope_per_hour.unwrap();
            prop_assert!((found - slope).abs() < 1e-6);
        }
    }
}

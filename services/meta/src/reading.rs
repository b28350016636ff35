//! What can be said about a topic, or about all of them, from the newest rounds.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    forecast::{self, Ending, RoundsUntil},
    learner::{self, Point, Subject},
    mann_kendall::MannKendall,
    trend::{Direction, Status, TooFew, Trend},
};

/// No date is given for what lies further ahead.
const FARTHEST: SignedDuration = SignedDuration::from_hours(10 * 366 * 24);

/// How closely to look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lens {
    /// The newest rounds considered.
    pub(crate) window: usize,
    /// The level of significance.
    pub(crate) alpha: f64,
}

/// A subject, judged.
#[derive(Clone, Debug)]
pub(crate) struct Judged<'a> {
    pub(crate) subject: &'a Subject,
    pub(crate) points: &'a [Point],
    pub(crate) series: Vec<f64>,
    pub(crate) trend: Result<Trend, TooFew>,
    pub(crate) status: Status,
}

/// A subject's standing.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reading {
    /// `null` for all topics together.
    topic: Option<String>,
    name: String,
    pub(crate) status: Status,
    /// Now.
    mastery: Option<f64>,
    /// How many rounds this was read from.
    rounds: usize,
    /// Over those rounds; `null` where there are none.
    accuracy: Option<f64>,
    /// `null` where there are too few rounds to tell.
    velocity: Option<Velocity>,
    /// Why a figure is `null`.
    reason: Option<String>,
}

/// Mastery gained per round, with its interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Velocity {
    pub(crate) per_round: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The plateau test.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Detection {
    /// Whether progress has stopped short of mastery; `null` where it cannot be told.
    plateau: Option<bool>,
    direction: Option<Direction>,
    test: Option<MannKendall>,
}

/// When progress is expected to end.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outlook {
    /// `null` where progress does not end, has ended, or cannot be told.
    rounds_until_plateau: Option<RoundsUntil>,
    ends_by: Option<Ending>,
    /// `null` where the rounds span less than an hour.
    rounds_per_day: Option<f64>,
    /// At this pace, and within ten years.
    expected_at: Option<Timestamp>,
    explanation: String,
}

impl<'a> Judged<'a> {
    pub(crate) fn new(subject: &'a Subject, lens: Lens) -> Self {
        let points = subject.recent(lens.window);
        let series: Vec<f64> = points.iter().map(|point| point.mastery).collect();
        let trend = Trend::of(&series, lens.alpha);
        Self {
            subject,
            points,
            status: Status::new(trend.as_ref().ok(), subject.mastered),
            series,
            trend,
        }
    }

    pub(crate) fn reading(&self) -> Reading {
        Reading {
            topic: self.subject.id.clone(),
            name: self.subject.name.clone(),
            status: self.status,
            mastery: self.subject.mastery,
            rounds: self.points.len(),
            accuracy: self.accuracy(),
            velocity: self.velocity(),
            reason: self.trend.err().map(|too_few| too_few.to_string()),
        }
    }

    pub(crate) fn detection(&self) -> Detection {
        let trend = self.trend.ok();
        Detection {
            plateau: trend.map(|_| self.status == Status::Plateau),
            direction: trend.map(|trend| trend.direction),
            test: trend.map(|trend| trend.test),
        }
    }

    pub(crate) fn outlook(&self, lens: Lens, threshold: f64, now: Timestamp) -> Outlook {
        let ending = self
            .trend
            .ok()
            .filter(|_| self.status == Status::Improving)
            .and_then(|trend| forecast::ending(&self.series, &trend, threshold, lens.alpha));
        let rounds_per_day = learner::rounds_a_day(self.points);
        let (ends_by, rounds_until_plateau) = ending.unzip();
        Outlook {
            explanation: self.explain(ending),
            ends_by,
            expected_at: rounds_until_plateau
                .zip(rounds_per_day)
                .and_then(|(until, pace)| date(now, until.expected / pace)),
            rounds_until_plateau,
            rounds_per_day,
        }
    }

    pub(crate) fn velocity(&self) -> Option<Velocity> {
        let line = self.trend.ok()?.line;
        Some(Velocity {
            per_round: line.slope,
            low: line.low,
            high: line.high,
        })
    }

    fn accuracy(&self) -> Option<f64> {
        let correct = self.points.iter().filter(|point| point.correct).count();
        #[expect(clippy::cast_precision_loss, reason = "the window is bounded")]
        let fraction = correct as f64 / self.points.len() as f64;
        (!self.points.is_empty()).then_some(fraction)
    }

    fn explain(&self, ending: Option<(Ending, RoundsUntil)>) -> String {
        match (self.status, ending) {
            (Status::Unknown, _) => self
                .trend
                .err()
                .map_or_else(String::new, |too_few| too_few.to_string()),
            (Status::Plateau, _) => "progress has stopped already".to_owned(),
            (Status::Mastered, _) => "mastered: nothing is left to gain".to_owned(),
            (Status::Declining, _) => "mastery is falling, so no plateau is in sight".to_owned(),
            (Status::Improving, Some((Ending::Mastery, until))) => {
                format!(
                    "mastered in about {:.0} rounds at this velocity",
                    until.expected.ceil()
                )
            }
            (Status::Improving, Some((Ending::Slowing, until))) => format!(
                "progress is slowing, and stops in about {:.0} rounds, short of mastery",
                until.expected.ceil()
            ),
            (Status::Improving, None) => {
                "mastery rises now and then, but its median step is none".to_owned()
            }
        }
    }
}

/// Returns the time `days` from `now`, unless it is farther than a forecast may reach.
fn date(now: Timestamp, days: f64) -> Option<Timestamp> {
    let ahead = SignedDuration::try_from_secs_f64(days * 24.0 * 3600.0).ok()?;
    // A forecast in fractions of a second would only look exact.
    let whole = SignedDuration::from_secs(ahead.as_secs());
    (whole <= FARTHEST).then(|| now.checked_add(whole).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_763_000_000, 0);
    const LENS: Lens = Lens {
        window: 30,
        alpha: 0.05,
    };

    fn subject(series: &[f64], mastered: bool) -> Subject {
        Subject {
            id: Some("logic".to_owned()),
            name: "Logic".to_owned(),
            mastery: series.last().copied(),
            mastered,
            points: (1..)
                .zip(series)
                .map(|(round, &mastery)| Point {
                    round,
                    at: NOW + SignedDuration::from_hours(round),
                    correct: round % 2 == 0,
                    mastery,
                })
                .collect(),
        }
    }

    fn line(from: f64, slope: f64, length: u8) -> Vec<f64> {
        (0..length).map(|x| from + slope * f64::from(x)).collect()
    }

    #[test]
    fn too_few_rounds_give_nulls_and_a_reason() {
        let subject = subject(&[0.2, 0.3], false);
        let judged = Judged::new(&subject, LENS);
        let reading = judged.reading();
        assert_eq!((reading.status, reading.velocity), (Status::Unknown, None));
        assert!(reading.reason.unwrap().contains("2 of at least 8"));
        assert_eq!(judged.detection().plateau, None);
        let outlook = judged.outlook(LENS, 0.95, NOW);
        assert_eq!(outlook.rounds_until_plateau, None);
        assert!(outlook.explanation.contains("too little data"));
    }

    #[test]
    fn progress_is_dated_by_the_pace_of_practice() {
        // 0.02 a round from 0.5 reach 0.9 in twenty rounds, and one is played each hour.
        let subject = subject(&line(0.02, 0.02, 25), false);
        let outlook = Judged::new(&subject, LENS).outlook(LENS, 0.9, NOW);
        assert_eq!(outlook.ends_by, Some(Ending::Mastery));
        assert!((outlook.rounds_per_day.unwrap() - 24.0).abs() < 1e-9);
        let wait = outlook.expected_at.unwrap().duration_since(NOW);
        assert!((wait.as_hours() - 20).abs() <= 1, "{wait:?}");
    }

    #[test]
    fn a_flat_stretch_is_a_plateau_unless_it_is_mastered() {
        let flat = subject(&[0.6; 12], false);
        assert_eq!(Judged::new(&flat, LENS).detection().plateau, Some(true));
        let mastered = subject(&[0.99; 12], true);
        assert_eq!(
            Judged::new(&mastered, LENS).detection().plateau,
            Some(false)
        );
    }

    #[test]
    fn only_the_window_counts() {
        let mut series = line(0.0, 0.01, 40);
        series.extend([0.4; 30]);
        let subject = subject(&series, false);
        let status = |window| Judged::new(&subject, Lens { window, ..LENS }).status;
        assert_eq!(status(30), Status::Plateau);
        assert_eq!(status(70), Status::Improving);
    }

    #[test]
    fn gives_no_date_beyond_ten_years() {
        assert!(date(NOW, 3_650.0).is_some());
        assert_eq!(date(NOW, 3_700.0), None);
        assert_eq!(date(NOW, f64::INFINITY), None);
    }
}

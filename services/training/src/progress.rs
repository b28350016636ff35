//! Mastery over time: what each day added, and where it left every topic.

use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{state::fraction, topic::TopicId};

/// A topic as it stood when the first day began.
#[derive(Clone, Debug)]
pub(crate) struct Start {
    pub(crate) id: TopicId,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) mastery: f64,
}

/// One topic's rounds of one day.
#[derive(Clone, Debug)]
pub(crate) struct Practised {
    pub(crate) date: Date,
    pub(crate) topic: TopicId,
    pub(crate) rounds: u32,
    pub(crate) correct: u32,
    /// After the day's last round.
    pub(crate) mastery: f64,
}

/// One day over all topics. Days without rounds are left out.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Day {
    #[schema(value_type = String, format = Date)]
    pub(crate) date: Date,
    pub(crate) rounds: u32,
    pub(crate) correct: u32,
    pub(crate) accuracy: Option<f64>,
    /// Over every topic that existed that day, practised or not.
    pub(crate) mean_mastery: Option<f64>,
    pub(crate) mastered_topics: usize,
}

/// One topic over the days on which it was practised.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Course {
    pub(crate) topic: TopicId,
    pub(crate) name: String,
    /// What the shown days added to its mastery.
    pub(crate) gain: f64,
    pub(crate) days: Vec<TopicDay>,
}

/// One topic on one day.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TopicDay {
    #[schema(value_type = String, format = Date)]
    pub(crate) date: Date,
    pub(crate) rounds: u32,
    pub(crate) correct: u32,
    pub(crate) mastery: f64,
}

/// Returns the UTC day of `at`.
pub(crate) fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// Returns the first of the `days` days that end with today.
pub(crate) fn first_day(now: Timestamp, days: u16) -> Date {
    day_of(now).saturating_sub(i64::from(days.saturating_sub(1)).days())
}

/// Adds up the days in order, carrying each topic's mastery over the days without it.
///
/// `practised` is sorted by day.
pub(crate) fn by_day(starts: &[Start], practised: &[Practised], threshold: f64) -> Vec<Day> {
    let mut mastery: HashMap<&TopicId, f64> = starts
        .iter()
        .map(|start| (&start.id, start.mastery))
        .collect();
    practised
        .chunk_by(|a, b| a.date == b.date)
        .map(|today| {
            for entry in today {
                mastery.insert(&entry.topic, entry.mastery);
            }
            let date = today[0].date;
            let known: Vec<f64> = starts
                .iter()
                .filter(|start| day_of(start.created_at) <= date)
                .map(|start| mastery[&start.id])
                .collect();
            let rounds = today.iter().map(|entry| entry.rounds).sum();
            let correct = today.iter().map(|entry| entry.correct).sum();
            Day {
                date,
                rounds,
                correct,
                accuracy: fraction(correct, rounds),
                mean_mastery: mean(&known),
                mastered_topics: known
                    .iter()
                    .filter(|&&mastery| mastery >= threshold)
                    .count(),
            }
        })
        .collect()
}

/// Sorts the days by topic, in the order of `starts`; a topic without rounds has an empty course.
pub(crate) fn by_topic(starts: &[Start], practised: &[Practised]) -> Vec<Course> {
    let mut days: BTreeMap<&TopicId, Vec<TopicDay>> = BTreeMap::new();
    for entry in practised {
        days.entry(&entry.topic).or_default().push(TopicDay {
            date: entry.date,
            rounds: entry.rounds,
            correct: entry.correct,
            mastery: entry.mastery,
        });
    }
    starts
        .iter()
        .map(|start| {
            let days = days.remove(&start.id).unwrap_or_default();
            Course {
                topic: start.id.clone(),
                name: start.name.clone(),
                gain: days.last().map_or(0.0, |day| day.mastery - start.mastery),
                days,
            }
        })
        .collect()
}

/// Returns the arithmetic mean, or `None` of nothing.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "there are far fewer topics than 2^52"
    )]
    let count = values.len() as f64;
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / count)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn id(name: &str) -> TopicId {
        TopicId::stored(name.to_owned())
    }

    fn start(name: &str, created: Date, mastery: f64) -> Start {
        Start {
            id: id(name),
            name: name.to_owned(),
            created_at: created.to_zoned(TimeZone::UTC).unwrap().timestamp(),
            mastery,
        }
    }

    fn practised(date: Date, topic: &str, rounds: u32, correct: u32, mastery: f64) -> Practised {
        Practised {
            date,
            topic: id(topic),
            rounds,
            correct,
            mastery,
        }
    }

    fn fixture() -> (Vec<Start>, Vec<Practised>) {
        let starts = vec![
            start("a", date(2025, 1, 1), 0.2),
            start("b", date(2025, 1, 1), 0.4),
            start("late", date(2025, 1, 3), 0.0),
        ];
        let practised = vec![
            practised(date(2025, 1, 1), "a", 4, 3, 0.6),
            practised(date(2025, 1, 3), "a", 1, 1, 0.7),
            practised(date(2025, 1, 3), "b", 1, 0, 0.3),
        ];
        (starts, practised)
    }

    #[test]
    fn a_day_counts_its_rounds_and_carries_the_topics_not_practised() {
        let (starts, practised) = fixture();
        let days = by_day(&starts, &practised, 0.6);
        assert_eq!(days.len(), 2);
        assert_eq!((days[0].rounds, days[0].accuracy), (4, Some(0.75)));
        // The late topic does not exist yet on the first day.
        assert!((days[0].mean_mastery.unwrap() - 0.5).abs() < 1e-12);
        assert!((days[1].mean_mastery.unwrap() - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(days[1].mastered_topics, 1);
    }

    #[test]
    fn a_course_shows_what_the_days_gained() {
        let (starts, practised) = fixture();
        let courses = by_topic(&starts, &practised);
        let gains: Vec<_> = courses.iter().map(|course| course.gain).collect();
        assert!((gains[0] - 0.5).abs() < 1e-12);
        assert!((gains[1] + 0.1).abs() < 1e-12);
        assert!(courses[2].days.is_empty() && gains[2].abs() < 1e-12);
    }

    #[test]
    fn the_window_ends_today() {
        let now: Timestamp = "2025-03-01T23:59:59Z".parse().unwrap();
        assert_eq!(first_day(now, 1), date(2025, 3, 1));
        assert_eq!(first_day(now, 30), date(2025, 1, 31));
    }
}

//! A learner's course: the history of training as one series per topic, and one over all.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::training::{Overview, Round};

/// Everything that is known about the learner.
#[derive(Clone, Debug)]
pub(crate) struct Learner {
    /// The mastery from which a topic counts as mastered.
    pub(crate) threshold: f64,
    /// The mean mastery over all topics, after every round.
    pub(crate) overall: Subject,
    pub(crate) topics: Vec<Subject>,
}

/// A topic, or all of them together.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subject {
    /// `None` for all topics together.
    pub(crate) id: Option<String>,
    pub(crate) name: String,
    /// As training has it now; `None` where there is no topic at all.
    pub(crate) mastery: Option<f64>,
    pub(crate) mastered: bool,
    /// In the order of rounds.
    pub(crate) points: Vec<Point>,
}

/// The mastery after one round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) round: i64,
    pub(crate) at: Timestamp,
    pub(crate) correct: bool,
    pub(crate) mastery: f64,
}

impl Learner {
    /// Sorts `rounds`, which are in order, by the topics of `overview`.
    pub(crate) fn new(overview: Overview, rounds: &[Round]) -> Self {
        let threshold = overview.mastery_threshold;
        let topics: Vec<Subject> = overview
            .topics
            .into_iter()
            .map(|topic| Subject {
                points: points(rounds.iter().filter(|round| round.topic == topic.id)),
                mastered: topic.mastery >= threshold,
                mastery: Some(topic.mastery),
                id: Some(topic.id),
                name: topic.name,
            })
            .collect();
        Self {
            threshold,
            overall: overall(&topics, rounds),
            topics,
        }
    }

    /// Finds a topic by its id.
    pub(crate) fn topic(&self, id: &str) -> Option<&Subject> {
        let mut topics = self.topics.iter();
        topics.find(|topic| topic.id.as_deref() == Some(id))
    }
}

impl Subject {
    /// Returns the newest points, at most `window`.
    pub(crate) fn recent(&self, window: usize) -> &[Point] {
        &self.points[self.points.len().saturating_sub(window)..]
    }
}

/// Returns how many rounds a day the points were played at.
///
/// `None` where they span less than an hour: that is a burst, not a habit.
pub(crate) fn rounds_a_day(points: &[Point]) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    let days = last.at.duration_since(first.at).as_secs_f64() / (24.0 * 3600.0);
    #[expect(clippy::cast_precision_loss, reason = "the window is bounded")]
    let steps = (points.len() - 1) as f64;
    (days >= 1.0 / 24.0).then(|| steps / days)
}

fn points<'a>(rounds: impl Iterator<Item = &'a Round>) -> Vec<Point> {
    rounds
        .map(|round| Point {
            round: round.id,
            at: round.at,
            correct: round.correct,
            mastery: round.mastery,
        })
        .collect()
}

/// Replays the rounds over all topics, each from where its first round here found it.
fn overall(topics: &[Subject], rounds: &[Round]) -> Subject {
    let mut mastery: HashMap<&str, f64> = topics
        .iter()
        .filter_map(|topic| Some((topic.id.as_deref()?, topic.mastery?)))
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "topics are bounded by training")]
    let count = mastery.len() as f64;
    let now = mastery.values().sum::<f64>();
    for round in rounds.iter().rev() {
        if let Some(mastery) = mastery.get_mut(round.topic.as_str()) {
            *mastery = round.mastery_before;
        }
    }
    let mut sum: f64 = mastery.values().sum();
    let mut points = points(rounds.iter());
    for (point, round) in points.iter_mut().zip(rounds) {
        if let Some(mastery) = mastery.get_mut(round.topic.as_str()) {
            sum += round.mastery - *mastery;
            *mastery = round.mastery;
        }
        point.mastery = sum / count;
    }
    Subject {
        id: None,
        name: "all topics".to_owned(),
        mastery: (!topics.is_empty()).then_some(now / count),
        mastered: !topics.is_empty() && topics.iter().all(|topic| topic.mastered),
        points: if topics.is_empty() {
            Vec::new()
        } else {
            points
        },
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::training::Topic;

    fn round(id: i64, topic: &str, before: f64, after: f64) -> Round {
        Round {
            id,
            topic: topic.to_owned(),
            correct: true,
            mastery_before: before,
            mastery: after,
            at: Timestamp::UNIX_EPOCH + SignedDuration::from_mins(id),
        }
    }

    fn overview(masteries: &[(&str, f64)]) -> Overview {
        Overview {
            mastery_threshold: 0.95,
            topics: masteries
                .iter()
                .map(|&(id, mastery)| Topic {
                    id: id.to_owned(),
                    name: id.to_uppercase(),
                    mastery,
                })
                .collect(),
        }
    }

    #[test]
    fn sorts_rounds_by_topic_and_averages_over_all() {
        let rounds = [
            round(1, "a", 0.2, 0.6),
            round(2, "b", 0.1, 0.3),
            round(3, "a", 0.6, 0.96),
        ];
        let learner = Learner::new(overview(&[("a", 0.96), ("b", 0.3), ("c", 0.0)]), &rounds);
        let masteries = |subject: &Subject| -> Vec<f64> {
            subject
                .points
                .iter()
                .map(|point| (point.mastery * 1e9).round() / 1e9)
                .collect()
        };
        assert_eq!(masteries(learner.topic("a").unwrap()), [0.6, 0.96]);
        assert_eq!(masteries(&learner.overall), [0.233_333_333, 0.3, 0.42]);
        assert!(learner.topic("a").unwrap().mastered);
        assert!(!learner.overall.mastered);
        assert!((learner.overall.mastery.unwrap() - 0.42).abs() < 1e-9);
        assert!(learner.topic("d").is_none());
    }

    #[test]
    fn the_window_holds_the_newest_points() {
        let rounds: Vec<_> = (1..=5).map(|id| round(id, "a", 0.1, 0.2)).collect();
        let learner = Learner::new(overview(&[("a", 0.2)]), &rounds);
        let ids = |window| -> Vec<i64> {
            learner.topics[0]
                .recent(window)
                .iter()
                .map(|point| point.round)
                .collect()
        };
        assert_eq!(ids(2), [4, 5]);
        assert_eq!(ids(99), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_burst_has_no_daily_rate() {
        let rounds: Vec<_> = (1..=61).map(|id| round(id, "a", 0.1, 0.2)).collect();
        let points = points(rounds.iter());
        assert_eq!(rounds_a_day(&points[..60]), None);
        assert!((rounds_a_day(&points).unwrap() - 60.0 * 24.0).abs() < 1e-6);
        assert_eq!(rounds_a_day(&[]), None);
    }

    #[test]
    fn no_topics_have_no_mean() {
        let learner = Learner::new(overview(&[]), &[]);
        assert_eq!(learner.overall.mastery, None);
        assert!(learner.overall.points.is_empty());
    }

    proptest! {
        #[test]
        fn the_last_mean_is_the_present_mean(
            plays in prop::collection::vec((0_usize..3, 0.0..1.0), 1..50),
        ) {
            let names = ["a", "b", "c"];
            let mut now = [0.1, 0.2, 0.3];
            let rounds: Vec<_> = (1..)
                .zip(&plays)
                .map(|(id, &(topic, mastery))| {
                    let before = std::mem::replace(&mut now[topic], mastery);
                    round(id, names[topic], before, mastery)
                })
                .collect();
            let present: Vec<_> = names.into_iter().zip(now).collect();
            let learner = Learner::new(overview(&present), &rounds);
            let last = learner.overall.points.last().unwrap().mastery;
            prop_assert!((last - learner.overall.mastery.unwrap()).abs() < 1e-9);
        }
    }
}

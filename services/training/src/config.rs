//! What can be set under `[training]`.

use std::{fmt, num::NonZeroU32, time::Duration};

use serde::Deserialize;

use crate::{mastery::Parameters, topic::Difficulty};

/// The settings of the training service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct TrainingConfig {
    pub(crate) mastery_threshold: Threshold,
    pub(crate) max_topics: NonZeroU32,
    #[serde(with = "tooloo_service::duration")]
    pub(crate) session_idle: Duration,
    pub(crate) models: Models,
}

/// The mastery from which a topic counts as mastered: 0.5 to 0.999.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(try_from = "f64")]
pub(crate) struct Threshold(f64);

/// The parameters that a new topic gets by its difficulty.
///
/// A topic keeps the ones it was created with, so that its rounds always add up to its mastery.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Models {
    easy: Parameters,
    medium: Parameters,
    hard: Parameters,
}

impl TrainingConfig {
    /// Allows at most this many topics; 200 by default.
    #[must_use]
    pub fn with_max_topics(mut self, max_topics: NonZeroU32) -> Self {
        self.max_topics = max_topics;
        self
    }

    /// Ends a session after this long without a round; half an hour by default.
    #[must_use]
    pub fn with_session_idle(mut self, session_idle: Duration) -> Self {
        self.session_idle = session_idle;
        self
    }
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            mastery_threshold: Threshold(0.95),
            max_topics: NonZeroU32::new(200).expect("200 is not 0"),
            session_idle: Duration::from_secs(30 * 60),
            models: Models::default(),
        }
    }
}

impl Threshold {
    pub(crate) fn value(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Threshold {
    type Error = OutOfRange;

    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        if (0.5..=0.999).contains(&value) {
            Ok(Self(value))
        } else {
            Err(OutOfRange)
        }
    }
}

/// The threshold is no mastery that could be reached and missed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mastery threshold lies between 0.5 and 0.999")
    }
}

impl Models {
    pub(crate) fn of(self, difficulty: Difficulty) -> Parameters {
        match difficulty {
            Difficulty::Easy => self.easy,
            Difficulty::Medium => self.medium,
            Difficulty::Hard => self.hard,
        }
    }
}

impl Default for Models {
    fn default() -> Self {
        let model = |known, learn, slip, guess| {
            Parameters::new(known, learn, slip, guess).expect("the built-in models are sound")
        };
        Self {
            easy: model(0.30, 0.20, 0.08, 0.25),
            medium: model(0.20, 0.12, 0.10, 0.20),
            hard: model(0.10, 0.08, 0.12, 0.15),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outlook;

    fn parse(json: &str) -> Result<TrainingConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_set_has_its_default() {
        let config = parse(r#"{"max_topics": 12, "session_idle": "5m"}"#).unwrap();
        assert_eq!(config.max_topics.get(), 12);
        assert_eq!(config.session_idle, Duration::from_secs(300));
        assert_eq!(config.mastery_threshold, Threshold(0.95));
    }

    #[test]
    fn a_bad_value_says_what_is_wrong() {
        for (json, named) in [
            (r#"{"max_topic": 12}"#, "max_topic"),
            (r#"{"max_topics": 0}"#, "nonzero"),
            (r#"{"mastery_threshold": 1.0}"#, "mastery threshold"),
            (r#"{"session_idle": "0s"}"#, "duration above zero"),
            (r#"{"models": {"brutal": {}}}"#, "brutal"),
            (
                r#"{"models": {"easy": {"known": 0.3, "learn": 0.2, "slip": 0.7, "guess": 0.2}}}"#,
                "slip",
            ),
        ] {
            let error = parse(json).unwrap_err();
            assert!(error.contains(named), "{json}: {error}");
        }
    }

    #[test]
    fn a_harder_topic_needs_more_rounds() {
        let models = Models::default();
        let rounds = |difficulty| {
            let model = models.of(difficulty);
            outlook::rounds_to(0.95, model.initial(), model).unwrap()
        };
        assert!(rounds(Difficulty::Easy) < rounds(Difficulty::Medium));
        assert!(rounds(Difficulty::Medium) < rounds(Difficulty::Hard));
    }
}

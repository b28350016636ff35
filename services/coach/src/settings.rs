//! What can be changed about a coach while it runs.

use std::{ops::RangeInclusive, time::Duration};

use serde::{Deserialize, Serialize};
use tooloo_service::Problem;
use utoipa::ToSchema;

/// Seconds between two sessions.
pub(crate) const INTERVAL: RangeInclusive<u32> = 1..=86_400;
/// Rounds in a session.
pub(crate) const ROUNDS: RangeInclusive<u32> = 1..=50;
/// Topics that a session goes round.
pub(crate) const FOCUS: RangeInclusive<u32> = 1..=20;

/// How the coach practises.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct CoachSettings {
    /// Seconds between two sessions.
    #[schema(minimum = 1, maximum = 86400)]
    pub(crate) interval_seconds: u32,
    /// Rounds in a session.
    #[schema(minimum = 1, maximum = 50)]
    pub(crate) rounds_per_session: u32,
    /// How many of the weakest topics a session goes round.
    #[schema(minimum = 1, maximum = 20)]
    pub(crate) focus: u32,
    /// Whether a session begins with a hint from a model provider, where the budget allows one.
    pub(crate) hints: bool,
    /// Where the simulated learner's answers come from.
    pub(crate) seed: u32,
}

/// New values for some of the settings; what is absent stays as it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(crate) struct Change {
    #[schema(minimum = 1, maximum = 86400)]
    interval_seconds: Option<u32>,
    #[schema(minimum = 1, maximum = 50)]
    rounds_per_session: Option<u32>,
    #[schema(minimum = 1, maximum = 20)]
    focus: Option<u32>,
    hints: Option<bool>,
    seed: Option<u32>,
}

impl CoachSettings {
    /// Returns the wait between two sessions.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_seconds.into())
    }
}

impl Default for CoachSettings {
    fn default() -> Self {
        Self {
            interval_seconds: 30,
            rounds_per_session: 3,
            focus: 3,
            hints: true,
            seed: 42,
        }
    }
}

impl Change {
    /// Says which value is out of its range, if any.
    pub(crate) fn check(&self) -> Result<(), Problem> {
        check("intervalSeconds", self.interval_seconds, INTERVAL)?;
        check("roundsPerSession", self.rounds_per_session, ROUNDS)?;
        check("focus", self.focus, FOCUS)
    }

    /// Returns the settings as they are after the change.
    pub(crate) fn apply(&self, old: &CoachSettings) -> CoachSettings {
        CoachSettings {
            interval_seconds: self.interval_seconds.unwrap_or(old.interval_seconds),
            rounds_per_session: self.rounds_per_session.unwrap_or(old.rounds_per_session),
            focus: self.focus.unwrap_or(old.focus),
            hints: self.hints.unwrap_or(old.hints),
            seed: self.seed.unwrap_or(old.seed),
        }
    }
}

/// Refuses a value outside its range, by name.
pub(crate) fn check(
    field: &str,
    value: Option<u32>,
    range: RangeInclusive<u32>,
) -> Result<(), Problem> {
    match value {
        Some(value) if !range.contains(&value) => Err(Problem::unprocessable(
            "out_of_range",
            format!(
                "`{field}`: {value} is not between {} and {}",
                range.start(),
                range.end()
            ),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_what_is_named_and_nothing_else() {
        let change: Change = serde_json::from_str(r#"{"focus": 5, "hints": false}"#).unwrap();
        let after = change.apply(&CoachSettings::default());
        let expected = CoachSettings {
            focus: 5,
            hints: false,
            ..CoachSettings::default()
        };
        assert_eq!(after, expected);
    }

    #[test]
    fn names_the_value_that_is_out_of_range() {
        for (json, field) in [
            (r#"{"intervalSeconds": 0}"#, "`intervalSeconds`"),
            (r#"{"intervalSeconds": 86401}"#, "`intervalSeconds`"),
            (r#"{"roundsPerSession": 51}"#, "`roundsPerSession`"),
            (r#"{"focus": 0}"#, "`focus`"),
        ] {
            let change: Change = serde_json::from_str(json).unwrap();
            let problem = change.check().unwrap_err();
            assert!(problem.detail().starts_with(field), "{json}: {problem}");
        }
    }
}

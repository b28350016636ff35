//! What a coach did, as its log shows it.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// The longest hint and the longest error that are kept, in characters.
const MAX_TEXT: usize = 500;

/// Something the coach did.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Action {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) time: Timestamp,
    pub(crate) kind: Kind,
    /// The practised topic's id.
    pub(crate) topic: Option<String>,
    pub(crate) correct: Option<bool>,
    /// How likely a right answer was.
    pub(crate) chance: Option<f64>,
    pub(crate) mastery_before: Option<f64>,
    pub(crate) mastery: Option<f64>,
    /// A hint's text.
    pub(crate) hint: Option<String>,
    /// Why something failed.
    pub(crate) error: Option<String>,
}

/// What kind of thing the coach did.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    Started,
    Stopped,
    FastLane,
    SettingsChanged,
    /// A round of a session.
    Practised,
    /// A round of a boost.
    Boosted,
    Hinted,
    Failed,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Started,
        Self::Stopped,
        Self::FastLane,
        Self::SettingsChanged,
        Self::Practised,
        Self::Boosted,
        Self::Hinted,
        Self::Failed,
    ];

    /// Returns the name under which it is kept.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Stopped => "stopped",
            Self::FastLane => "fast-lane",
            Self::SettingsChanged => "settings-changed",
            Self::Practised => "practised",
            Self::Boosted => "boosted",
            Self::Hinted => "hinted",
            Self::Failed => "failed",
        }
    }
}

impl Action {
    /// Starts an entry with nothing but its kind.
    pub(crate) fn new(time: Timestamp, kind: Kind) -> Self {
        Self {
            time,
            kind,
            topic: None,
            correct: None,
            chance: None,
            mastery_before: None,
            mastery: None,
            hint: None,
            error: None,
        }
    }

    /// Notes a hint on a topic.
    pub(crate) fn hinted(time: Timestamp, topic: &str, hint: &str) -> Self {
        Self {
            topic: Some(topic.to_owned()),
            hint: Some(shortened(hint)),
            ..Self::new(time, Kind::Hinted)
        }
    }

    /// Notes a failure.
    pub(crate) fn failed(time: Timestamp, error: &str) -> Self {
        Self {
            error: Some(shortened(error)),
            ..Self::new(time, Kind::Failed)
        }
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_under_the_name_it_is_kept_under() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let action = Action::failed(Timestamp::UNIX_EPOCH, &"ä".repeat(MAX_TEXT + 1));
        assert_eq!(action.error.unwrap(), "ä".repeat(MAX_TEXT));
    }
}

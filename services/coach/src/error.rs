//! Why the coach could not do as it was asked.

use std::fmt;

use database::StoreError;
use tooloo_service::{PeerError, Problem};

/// The coach could not do as it was asked.
#[derive(Debug)]
pub(crate) enum CoachError {
    /// Training gave no usable answer.
    Training(PeerError),
    /// The coach's own database gave no answer.
    Store(StoreError),
    /// There is no such topic.
    UnknownTopic(String),
    /// There is nothing to practise.
    NoTopics,
    /// Another boost goes on.
    Boosting,
    /// The fast lane would not be faster.
    NotFaster { asked: u32, usual: u32 },
}

impl From<PeerError> for CoachError {
    fn from(error: PeerError) -> Self {
        Self::Training(error)
    }
}

impl From<StoreError> for CoachError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<CoachError> for Problem {
    fn from(error: CoachError) -> Self {
        let detail = error.to_string();
        match error {
            CoachError::Training(error) => error.into(),
            CoachError::Store(error) => error.into(),
            CoachError::UnknownTopic(_) => Self::not_found("unknown_topic", detail),
            CoachError::NoTopics => Self::conflict("no_topics", detail),
            CoachError::Boosting => Self::conflict("boost_in_progress", detail),
            CoachError::NotFaster { .. } => Self::unprocessable("not_faster", detail),
        }
    }
}

impl fmt::Display for CoachError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Training(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
            Self::UnknownTopic(topic) => write!(f, "`topic`: there is no topic `{topic}`"),
            Self::NoTopics => f.write_str("training has no topic to practise"),
            Self::Boosting => f.write_str("another boost goes on; it ends within its rounds"),
            Self::NotFaster { asked, usual } => write!(
                f,
                "`intervalSeconds`: {asked} is not below the usual interval of {usual} seconds"
            ),
        }
    }
}

impl std::error::Error for CoachError {}

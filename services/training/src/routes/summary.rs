//! A topic and a session as every answer shows them.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    state::fraction,
    store::{sessions::Session, topics::Topic},
    topic::{Difficulty, TopicId},
};

/// A topic's standing.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TopicSummary {
    id: TopicId,
    name: String,
    difficulty: Difficulty,
    attempts: u32,
    correct: u32,
    /// `null` before the first round.
    accuracy: Option<f64>,
    /// The chance that the topic is known.
    mastery: f64,
    mastered: bool,
    /// Right answers in a row, up to now.
    streak: u32,
    last_practised: Option<Timestamp>,
}

/// A practice session.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionSummary {
    id: i64,
    topic: TopicId,
    name: String,
    started_at: Timestamp,
    last_active: Timestamp,
    rounds: u32,
    correct: u32,
    /// `null` before the first round.
    accuracy: Option<f64>,
    mastery_at_start: f64,
    mastery: f64,
}

impl TopicSummary {
    pub(super) fn new(topic: &Topic, threshold: f64) -> Self {
        let state = topic.state;
        Self {
            id: topic.id.clone(),
            name: topic.name.clone(),
            difficulty: topic.difficulty,
            attempts: state.attempts,
            correct: state.correct,
            accuracy: fraction(state.correct, state.attempts),
            mastery: state.mastery,
            mastered: state.mastery >= threshold,
            streak: state.streak,
            last_practised: state.last_practised,
        }
    }
}

impl SessionSummary {
    /// Shows `session`, whose topic is `topic`.
    pub(super) fn new(session: Session, topic: &Topic) -> Self {
        Self {
            id: session.id,
            topic: session.topic,
            name: topic.name.clone(),
            started_at: session.started_at,
            last_active: session.last_active,
            rounds: session.rounds,
            correct: session.correct,
            accuracy: fraction(session.correct, session.rounds),
            mastery_at_start: session.mastery_at_start,
            mastery: topic.state.mastery,
        }
    }
}

//! `POST /round`: one answered question.

use axum::extract::State;
use database::StoreError;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, AnswerWith, Json, MadeOld, Problem};
use utoipa::ToSchema;

use super::{Training, history::RoundEntry, no_topics, summary::TopicSummary, unknown_topic};
use crate::{
    caching::CHANGED,
    store::rounds::{self, ChosenBy},
    topic::TopicId,
};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoundRequest {
    /// Any spelling of a topic's name, or its id; where none is given, the running session's
    /// topic, or else the next one.
    topic: Option<TopicId>,
    /// Whether the answer was right.
    correct: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoundAnswer {
    round: RoundEntry,
    /// How the round came to its topic.
    chosen_by: Chooser,
    /// The topic as the round left it.
    topic: TopicSummary,
    /// How likely the next answer is right.
    predicted_correct: f64,
    /// Whether this very round took the topic over the threshold.
    newly_mastered: bool,
}

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Chooser {
    Request,
    Session,
    Next,
}

#[utoipa::path(
    post, path = "/api/v1/training/round", tag = "training",
    summary = "Record whether a question was answered right",
    request_body = RoundRequest,
    responses(
        (status = 201, body = RoundAnswer),
        (status = 404, description = "No such topic"),
        (status = 422, description = "A field is missing or has the wrong type"),
    )
)]
pub(super) async fn round(
    State(training): State<Training>,
    Json(request): Json<RoundRequest>,
) -> Result<(MadeOld, AnswerWith<RoundAnswer>), Problem> {
    let RoundRequest { topic, correct } = request;
    let terms = training.terms_now();
    let mut tx = training.store.write().await?;
    let played = rounds::play(&mut tx, topic.as_ref(), correct, terms).await?;
    let Some(played) = played else {
        return Err(topic.map_or_else(no_topics, |topic| unknown_topic(&topic)));
    };
    tx.commit().await.map_err(StoreError::from)?;
    let topic = played.topic;
    let mastered = |mastery: f64| mastery >= terms.threshold;
    let answer = Answer::created(RoundAnswer {
        chosen_by: match played.chosen_by {
            ChosenBy::Request => Chooser::Request,
            ChosenBy::Session => Chooser::Session,
            ChosenBy::Next => Chooser::Next,
        },
        predicted_correct: topic.parameters.predict(topic.state.mastery),
        newly_mastered: mastered(played.round.mastery) && !mastered(played.round.mastery_before),
        topic: TopicSummary::new(&topic, terms.threshold),
        round: played.round.into(),
    });
    Ok((CHANGED, answer))
}

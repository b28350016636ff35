//! `GET /deep-dive/{topic}` and `POST /new-topic`: one topic at a time.

use axum::extract::State;
use database::StoreError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, AnswerWith, Caching, Json, MadeOld, Path, Problem};
use utoipa::ToSchema;

use super::{Training, history::RoundEntry, summary::TopicSummary, unknown_topic};
use crate::{
    caching::{CHANGED, Revision},
    mastery::Parameters,
    outlook,
    store::{
        rounds::{self, Round},
        topics::{self, NotAdded, Topic},
    },
    topic::{Difficulty, TopicId, TopicName},
};

/// The rounds that a close look shows, and the points of its curve.
const RECENT_ROUNDS: usize = 20;
const CURVE_POINTS: u16 = 200;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DeepDive {
    topic: TopicSummary,
    created_at: Timestamp,
    /// P(L0), P(T), P(S) and P(G) of the topic's model.
    parameters: Parameters,
    mastery_threshold: f64,
    /// How likely the next answer is right.
    predicted_correct: f64,
    /// How many more rounds the model expects until the threshold; `null` beyond a thousand.
    expected_rounds_to_mastery: Option<f64>,
    /// Newest first.
    recent_rounds: Vec<RoundEntry>,
    /// The newest rounds, oldest first.
    learning_curve: Vec<CurvePoint>,
}

/// The topic after one of its rounds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CurvePoint {
    /// Counted from 1 within the topic.
    attempt: u32,
    correct: bool,
    /// How likely the answer was right, before it was given.
    predicted_correct: f64,
    mastery: f64,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewTopic {
    name: TopicName,
    /// Sets the parameters of the topic's model; medium where none is given.
    #[serde(default)]
    difficulty: Difficulty,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Added {
    topic: TopicSummary,
    parameters: Parameters,
}

#[utoipa::path(
    get, path = "/api/v1/training/deep-dive/{topic}", tag = "training",
    summary = "One topic's model, forecast, rounds and learning curve",
    params(("topic" = String, Path, description = "The topic's id, or any spelling of its name")),
    responses((status = 200, body = DeepDive), (status = 404, description = "No such topic"))
)]
pub(super) async fn deep_dive(
    State(training): State<Training>,
    Path(topic): Path<String>,
) -> Result<(Caching, Answer<DeepDive>), Problem> {
    let id = TopicId::try_from(topic)
        .map_err(|bad| Problem::not_found("unknown_topic", bad.to_string()))?;
    let mut tx = training.store.read().await?;
    let revision = Revision::read(&mut tx).await?;
    let found = topics::find(&mut tx, &id).await?;
    let topic = found.ok_or_else(|| unknown_topic(&id))?;
    let rounds = rounds::newest(&mut tx, &id, CURVE_POINTS).await?;
    drop(tx);
    let dive = DeepDive::of(&topic, rounds, training.threshold());
    Ok(Answer(dive).cacheable(training.caching(revision)))
}

#[utoipa::path(
    post, path = "/api/v1/training/new-topic", tag = "training",
    summary = "Add a topic",
    request_body = NewTopic,
    responses(
        (status = 201, body = Added),
        (status = 409, description = "The topic exists, or there are as many as there may be"),
        (status = 422, description = "A field is missing or not valid"),
    )
)]
pub(super) async fn new_topic(
    State(training): State<Training>,
    Json(request): Json<NewTopic>,
) -> Result<(MadeOld, AnswerWith<Added>), Problem> {
    let NewTopic { name, difficulty } = request;
    let id = name.id();
    let parameters = training.config.models.of(difficulty);
    let max = training.config.max_topics.get();
    let now = database::now();
    let mut tx = training.store.write().await?;
    match topics::add(&mut tx, &name, difficulty, parameters, max, now).await? {
        Ok(topic) => {
            tx.commit().await.map_err(StoreError::from)?;
            let topic = TopicSummary::new(&topic, training.threshold());
            Ok((CHANGED, Answer::created(Added { topic, parameters })))
        }
        Err(NotAdded::Exists) => Err(Problem::conflict(
            "topic_exists",
            format!("`name`: there is a topic `{id}` already"),
        )),
        Err(NotAdded::Full) => Err(Problem::conflict(
            "too_many_topics",
            format!("there may be at most {max} topics"),
        )),
    }
}

impl DeepDive {
    fn of(topic: &Topic, rounds: Vec<Round>, threshold: f64) -> Self {
        let mastery = topic.state.mastery;
        let last = topic.state.attempts;
        let shown = u32::try_from(rounds.len()).unwrap_or(last);
        let curve = (last.saturating_sub(shown)..).zip(&rounds);
        Self {
            topic: TopicSummary::new(topic, threshold),
            created_at: topic.created_at,
            parameters: topic.parameters,
            mastery_threshold: threshold,
            predicted_correct: topic.parameters.predict(mastery),
            expected_rounds_to_mastery: outlook::rounds_to(threshold, mastery, topic.parameters),
            learning_curve: curve
                .map(|(before, round)| CurvePoint {
                    attempt: before + 1,
                    correct: round.correct,
                    predicted_correct: topic.parameters.predict(round.mastery_before),
                    mastery: round.mastery,
                })
                .collect(),
            recent_rounds: rounds
                .into_iter()
                .rev()
                .take(RECENT_ROUNDS)
                .map(RoundEntry::from)
                .collect(),
        }
    }
}

//! What the coach can be told.

use std::ops::RangeInclusive;

use axum::extract::State;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Json, MadeOld, Problem};
use utoipa::ToSchema;

use super::status::{RunState, SettingsAnswer};
use crate::{
    action::Action,
    coach::Coach,
    settings::{self, Change},
};

/// The rounds of a boost where nothing else is asked for.
const USUAL_ROUNDS: u32 = 5;
/// The longest topic that is looked for, in characters.
const MAX_TOPIC: usize = 160;
/// How long a fast lane may last, in seconds, and how long it does where nothing else is asked for.
const FAST_LANE: RangeInclusive<u32> = 1..=3_600;
const USUAL_FAST_LANE: u32 = 300;

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BoostRequest {
    /// A topic's id, or any spelling of its name; the weakest topics in turn where none is given.
    topic: Option<String>,
    /// 1 to 50, 5 where none is given.
    #[schema(minimum = 1, maximum = 50)]
    rounds: Option<u32>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct FastLaneRequest {
    /// How long it lasts: 1 to 3600, 300 where none is given.
    #[schema(minimum = 1, maximum = 3600)]
    seconds: Option<u32>,
    /// Seconds between two sessions meanwhile; a fifth of the usual ones where none are given.
    #[schema(minimum = 1, maximum = 86400)]
    interval_seconds: Option<u32>,
}

/// What a boost has done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BoostAnswer {
    /// How many rounds were asked for.
    requested: u32,
    /// How many were played.
    completed: u32,
    correct: u32,
    /// What ended the boost early.
    error: Option<String>,
    rounds: Vec<Action>,
}

#[utoipa::path(
    post, path = "/api/v1/auto-coach/start", tag = "coach",
    summary = "Start practising in the background",
    responses(
        (status = 200, body = RunState, description = "The coach runs, also if it did before"),
        (status = 503, description = "The database gives no answer"),
    )
)]
pub(super) async fn start(State(coach): State<Coach>) -> Result<Answer<RunState>, Problem> {
    Ok(Answer(coach.start().await?.into()))
}

#[utoipa::path(
    post, path = "/api/v1/auto-coach/stop", tag = "coach",
    summary = "Stop practising in the background",
    responses(
        (status = 200, body = RunState, description = "The coach rests, also if it did before"),
        (status = 503, description = "The database gives no answer"),
    )
)]
pub(super) async fn stop(State(coach): State<Coach>) -> Result<Answer<RunState>, Problem> {
    Ok(Answer(coach.stop().await?.into()))
}

#[utoipa::path(
    post, path = "/api/v1/auto-coach/boost", tag = "coach",
    summary = "Practise some rounds now",
    request_body = BoostRequest,
    responses(
        (status = 200, body = BoostAnswer),
        (status = 404, description = "No such topic"),
        (status = 409, description = "Another boost goes on"),
        (status = 422, description = "A field has the wrong type or is out of range"),
        (status = 502, description = "Training cannot be reached, or gives no usable answer"),
        (status = 503, description = "The database gives no answer"),
        (status = 504, description = "Training does not answer in time"),
    )
)]
pub(super) async fn boost(
    State(coach): State<Coach>,
    request: Option<Json<BoostRequest>>,
) -> Result<(MadeOld, Answer<BoostAnswer>), Problem> {
    let Json(request) = request.unwrap_or_default();
    settings::check("rounds", request.rounds, settings::ROUNDS)?;
    if let Some(topic) = &request.topic {
        let length = topic.chars().count();
        if topic.trim().is_empty() || length > MAX_TOPIC {
            let detail = format!("`topic`: a topic has 1 to {MAX_TOPIC} characters, not {length}");
            return Err(Problem::unprocessable("invalid_topic", detail));
        }
    }
    let requested = request.rounds.unwrap_or(USUAL_ROUNDS);
    let boosted = coach.boost(request.topic.as_deref(), requested).await?;
    let correct = boosted
        .rounds
        .iter()
        .filter(|round| round.correct == Some(true));
    let answer = Answer(BoostAnswer {
        requested,
        completed: count(boosted.rounds.iter()),
        correct: count(correct),
        error: boosted.error.map(|error| error.to_string()),
        rounds: boosted.rounds,
    });
    // The rounds were played with training itself: whoever passes this on has not seen them.
    Ok((MadeOld(&["training"]), answer))
}

#[utoipa::path(
    post, path = "/api/v1/auto-coach/fast-lane", tag = "coach",
    summary = "Practise at a shorter interval for a while",
    request_body = FastLaneRequest,
    responses(
        (status = 200, body = RunState),
        (status = 422, description = "A field has the wrong type or is out of range"),
        (status = 503, description = "The database gives no answer"),
    )
)]
pub(super) async fn fast_lane(
    State(coach): State<Coach>,
    request: Option<Json<FastLaneRequest>>,
) -> Result<Answer<RunState>, Problem> {
    let Json(request) = request.unwrap_or_default();
    settings::check("seconds", request.seconds, FAST_LANE)?;
    settings::check(
        "intervalSeconds",
        request.interval_seconds,
        settings::INTERVAL,
    )?;
    let seconds = request.seconds.unwrap_or(USUAL_FAST_LANE);
    let lasts = SignedDuration::from_secs(seconds.into());
    let record = coach.fast_lane(lasts, request.interval_seconds).await?;
    Ok(Answer(record.into()))
}

#[utoipa::path(
    post, path = "/api/v1/auto-coach/settings", tag = "coach",
    summary = "Change how the coach practises",
    request_body = Change,
    responses(
        (status = 200, body = SettingsAnswer),
        (status = 422, description = "A field has the wrong type or is out of range"),
        (status = 503, description = "The database gives no answer"),
    )
)]
pub(super) async fn change_settings(
    State(coach): State<Coach>,
    Json(change): Json<Change>,
) -> Result<Answer<SettingsAnswer>, Problem> {
    change.check()?;
    Ok(Answer(coach.change(change).await?.into()))
}

fn count<'a>(rounds: impl Iterator<Item = &'a Action>) -> u32 {
    u32::try_from(rounds.count()).expect("a boost has at most fifty rounds")
}

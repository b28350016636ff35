//! What the coach is doing, and how it is set.

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use tooloo_service::{Answer, Problem};
use utoipa::ToSchema;

use crate::{
    action::Action,
    coach::{Coach, Contact},
    record::{Counters, FastLane, Record},
    settings::CoachSettings,
};

/// How many of the newest actions the status shows.
const RECENT: u32 = 20;

/// Whether the coach runs, and how.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RunState {
    running: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    running_since: Option<Timestamp>,
    /// The shorter interval that holds now, if one does.
    fast_lane: Option<FastLane>,
    settings: CoachSettings,
}

/// Everything about the coach.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    #[serde(flatten)]
    state: RunState,
    counters: Counters,
    /// The share of right answers; `null` before the first.
    accuracy: Option<f64>,
    training: TrainingContact,
    /// When the next session is due; `null` while the coach rests.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_session: Option<Timestamp>,
    /// Newest first.
    recent_actions: Vec<Action>,
}

/// How the coach stands with training since its process began.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct TrainingContact {
    /// `null` before the first session.
    reachable: Option<bool>,
    /// Failed sessions in a row.
    failures: u32,
    last_error: Option<String>,
}

/// How the coach practises.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SettingsAnswer {
    settings: CoachSettings,
}

#[utoipa::path(
    get, path = "/api/v1/auto-coach/status", tag = "coach",
    summary = "Whether the coach runs, what it has done, and what comes next",
    responses(
        (status = 200, body = Status),
        (status = 503, description = "The database gives no answer"),
    )
)]
pub(super) async fn status(State(coach): State<Coach>) -> Result<Answer<Status>, Problem> {
    let (record, recent_actions) = coach.log(RECENT).await?;
    let Contact {
        reachable,
        failures,
        last_error,
        next_session,
    } = coach.contact();
    Ok(Answer(Status {
        counters: record.counters,
        accuracy: record.counters.accuracy(),
        training: TrainingContact {
            reachable,
            failures,
            last_error,
        },
        next_session: next_session.filter(|_| record.running_since.is_some()),
        recent_actions,
        state: record.into(),
    }))
}

#[utoipa::path(
    get, path = "/api/v1/auto-coach/settings", tag = "coach",
    summary = "How the coach practises",
    responses(
        (status = 200, body = SettingsAnswer),
        (status = 503, description = "The database gives no answer"),
    )
)]
pub(super) async fn settings(
    State(coach): State<Coach>,
) -> Result<Answer<SettingsAnswer>, Problem> {
    Ok(Answer(coach.record().await?.into()))
}

impl From<Record> for RunState {
    fn from(record: Record) -> Self {
        Self {
            running: record.running_since.is_some(),
            running_since: record.running_since,
            fast_lane: record.fast_lane(database::now()),
            settings: record.settings,
        }
    }
}

impl From<Record> for SettingsAnswer {
    fn from(record: Record) -> Self {
        Self {
            settings: record.settings,
        }
    }
}

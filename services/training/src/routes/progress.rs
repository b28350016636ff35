//! `GET /progress`: mastery over time, by day and by topic.

use axum::extract::State;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Caching, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::{Training, unknown_topic};
use crate::{
    caching,
    progress::{self, Course, Day},
    store,
    topic::TopicId,
};

/// The days shown where nothing else is asked for, and at most.
const USUAL_DAYS: u16 = 30;
const MAX_DAYS: u16 = 366;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ProgressQuery {
    /// How many UTC days, today included: 1 to 366, 30 where none is given.
    #[param(minimum = 1, maximum = 366)]
    days: Option<u16>,
    /// Only this topic.
    topic: Option<TopicId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Progress {
    #[schema(value_type = String, format = Date)]
    from: Date,
    #[schema(value_type = String, format = Date)]
    to: Date,
    /// The days with rounds.
    days: Vec<Day>,
    topics: Vec<Course>,
}

#[utoipa::path(
    get, path = "/api/v1/training/progress", tag = "training",
    summary = "Mastery over time, by day and by topic",
    params(ProgressQuery),
    responses(
        (status = 200, body = Progress),
        (status = 400, description = "A parameter is not valid"),
        (status = 404, description = "No such topic"),
    )
)]
pub(super) async fn progress(
    State(training): State<Training>,
    Query(query): Query<ProgressQuery>,
) -> Result<(Caching, Answer<Progress>), Problem> {
    let days = query.days.unwrap_or(USUAL_DAYS);
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(Problem::bad_request(
            "invalid_query",
            format!("`days` must be from 1 to {MAX_DAYS}, not {days}"),
        ));
    }
    let now = database::now();
    let from = progress::first_day(now, days);
    let mut tx = training.store.read().await?;
    let starts = store::progress::starts(&mut tx, from, query.topic.as_ref()).await?;
    let practised = store::progress::practised(&mut tx, from, query.topic.as_ref()).await?;
    drop(tx);
    match query.topic {
        Some(topic) if starts.is_empty() => Err(unknown_topic(&topic)),
        _ => Ok(Answer(Progress {
            from,
            to: progress::day_of(now),
            days: progress::by_day(&starts, &practised, training.threshold()),
            topics: progress::by_topic(&starts, &practised),
        })
        .cacheable(caching::usual())),
    }
}

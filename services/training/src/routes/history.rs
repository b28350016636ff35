//! `GET /history`: every round, in pages.

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Caching, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::{Training, unknown_topic};
use crate::{
    caching::Revision,
    since::Since,
    store::{
        rounds::{self, Round},
        topics,
    },
    topic::TopicId,
};

/// The rounds on a page where nothing else is asked for, and at most.
const USUAL_LIMIT: u16 = 100;
const MAX_LIMIT: u16 = 1_000;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// A round's id: the rounds after it. An RFC 3339 time: the rounds from then on. The first
    /// round where none is given.
    #[param(value_type = Option<String>)]
    since: Option<Since>,
    /// Only this topic's rounds.
    topic: Option<TopicId>,
    /// The most rounds on the page: 1 to 1000, 100 where none is given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
}

/// Rounds in the order in which they were played.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct History {
    rounds: Vec<RoundEntry>,
    /// The `since` of the next page; `null` on the last one.
    next: Option<i64>,
    /// The id of the newest round there is, of any topic.
    newest: Option<i64>,
}

/// One answered question.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoundEntry {
    id: i64,
    topic: TopicId,
    /// The session it was part of.
    session: Option<i64>,
    correct: bool,
    mastery_before: f64,
    /// The topic's mastery after it.
    mastery: f64,
    at: Timestamp,
}

#[utoipa::path(
    get, path = "/api/v1/training/history", tag = "training",
    summary = "Every round, oldest first, in pages",
    params(HistoryQuery),
    responses(
        (status = 200, body = History),
        (status = 400, description = "A parameter is not valid"),
        (status = 404, description = "No such topic"),
    )
)]
pub(super) async fn history(
    State(training): State<Training>,
    Query(query): Query<HistoryQuery>,
) -> Result<(Caching, Answer<History>), Problem> {
    let limit = query.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::bad_request(
            "invalid_query",
            format!("`limit` must be from 1 to {MAX_LIMIT}, not {limit}"),
        ));
    }
    let since = query.since.unwrap_or(Since::Round(0));
    let mut tx = training.store.read().await?;
    let revision = Revision::read(&mut tx).await?;
    if let Some(topic) = &query.topic {
        let found = topics::find(&mut tx, topic).await?;
        found.ok_or_else(|| unknown_topic(topic))?;
    }
    let page = rounds::page(&mut tx, since, query.topic.as_ref(), limit).await?;
    let history = History {
        next: page
            .rounds
            .last()
            .filter(|_| page.more)
            .map(|round| round.id),
        newest: page.newest,
        rounds: page.rounds.into_iter().map(RoundEntry::from).collect(),
    };
    Ok(Answer(history).cacheable(training.caching(revision)))
}

impl From<Round> for RoundEntry {
    fn from(round: Round) -> Self {
        Self {
            id: round.id,
            topic: round.topic,
            session: round.session,
            correct: round.correct,
            mastery_before: round.mastery_before,
            mastery: round.mastery,
            at: round.at,
        }
    }
}

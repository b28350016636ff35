//! `POST /start` and `GET /active`: the practice session.

use axum::extract::State;
use database::StoreError;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, AnswerWith, Caching, Json, MadeOld, Problem};
use utoipa::ToSchema;

use super::{Training, no_topics, summary::SessionSummary, unknown_topic};
use crate::{
    caching::{self, CHANGED},
    store::{rounds, sessions, topics},
    topic::TopicId,
};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Active {
    /// `null` where no session runs.
    session: Option<SessionSummary>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct StartRequest {
    /// What to practise; the next topic where none is given.
    topic: Option<TopicId>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Started {
    session: SessionSummary,
    /// The session that this one ended.
    ended: Option<i64>,
}

#[utoipa::path(
    get, path = "/api/v1/training/active", tag = "training",
    summary = "The running session, if any",
    responses((status = 200, body = Active))
)]
pub(super) async fn active(
    State(training): State<Training>,
) -> Result<(Caching, Answer<Active>), Problem> {
    let terms = training.terms_now();
    let mut tx = training.store.read().await?;
    let session = match sessions::running(&mut tx, terms.idle, terms.now).await? {
        Some(session) => topics::find(&mut tx, &session.topic)
            .await?
            .map(|topic| SessionSummary::new(session, &topic)),
        None => None,
    };
    Ok(Answer(Active { session }).cacheable(caching::usual()))
}

#[utoipa::path(
    post, path = "/api/v1/training/start", tag = "training",
    summary = "Start a session on a topic, or on the next one",
    request_body(content = StartRequest, description = "May be left out"),
    responses(
        (status = 201, body = Started),
        (status = 404, description = "No such topic"),
        (status = 422, description = "A field has the wrong type"),
    )
)]
pub(super) async fn start(
    State(training): State<Training>,
    request: Option<Json<StartRequest>>,
) -> Result<(MadeOld, AnswerWith<Started>), Problem> {
    let Json(request) = request.unwrap_or_default();
    let terms = training.terms_now();
    let mut tx = training.store.write().await?;
    let topic = rounds::named_or_next(&mut tx, request.topic.as_ref(), terms).await?;
    let Some(topic) = topic else {
        return Err(request
            .topic
            .map_or_else(no_topics, |topic| unknown_topic(&topic)));
    };
    let ended = sessions::running(&mut tx, terms.idle, terms.now).await?;
    let session = sessions::start(&mut tx, &topic, terms.now).await?;
    tx.commit().await.map_err(StoreError::from)?;
    let started = Started {
        session: SessionSummary::new(session, &topic),
        ended: ended.map(|session| session.id),
    };
    Ok((CHANGED, Answer::created(started)))
}

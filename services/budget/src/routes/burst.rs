//! `POST` and `GET /api/v1/providers/burst`: a prompt answered by a provider.

use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Json, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Budget;
use crate::{
    burst::{Failover, Question, Source},
    criticality::Criticality,
    money::Money,
};

/// A prompt to answer.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct BurstRequest {
    /// What to ask.
    #[schema(min_length = 1)]
    prompt: String,
    /// How many seconds old the answer may be, and for how many others may have it; with 0 a provider
    /// is asked in any case, and the answer is not kept. As the service is set unless given.
    ttl_seconds: Option<u64>,
    /// How much the answer matters; the policy's criticality unless given.
    criticality: Option<Criticality>,
}

/// A prompt's answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BurstAnswer {
    ok: bool,
    /// Whether the answer was kept from an earlier call.
    cached: bool,
    /// Where it came from.
    cache: CacheStatus,
    /// The answer.
    text: String,
    /// Who gave it.
    provider: String,
    /// The model that was asked.
    model: String,
    /// Calls to providers that ran when this one started, itself included; where there was none, those that
    /// run now.
    concurrency: u32,
    /// Providers that could be called then.
    providers_available: usize,
    /// Dollars spent on this request, failed calls that may be charged for included; nothing where
    /// another one had already asked the same.
    cost: Money,
    /// Providers that were wanted more and did not answer, in the order they were tried, and why.
    failover: Vec<Failover>,
    /// Whether another request in flight had asked the same.
    coalesced: bool,
}

/// Where an answer came from.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum CacheStatus {
    /// From an earlier call, as good as new.
    Hit,
    /// From a provider, just now.
    Miss,
    /// From an earlier call too long ago, since no provider answers.
    Stale,
}

impl From<Source> for CacheStatus {
    fn from(source: Source) -> Self {
        match source {
            Source::Kept => Self::Hit,
            Source::Provider => Self::Miss,
            Source::Stale => Self::Stale,
        }
    }
}

#[utoipa::path(
    post, path = "/api/v1/providers/burst", tag = "budget",
    summary = "Answers a prompt, asking a provider once for all who ask the same meanwhile",
    request_body = BurstRequest,
    responses(
        (status = 200, body = BurstAnswer),
        (status = 402, description = "What is spent today leaves no room for the call"),
        (status = 413, description = "The prompt is too long"),
        (status = 422, description = "A member is missing or makes no sense"),
        (
            status = 429,
            description = "The client has spent its quota: `Retry-After` tells when there is room again",
        ),
        (
            status = 503,
            description = "No provider is available, or running calls have reserved the room for this \
                           one: try again soon",
        ),
        (status = 504, description = "No provider answered in time; it may charge nevertheless"),
    )
)]
pub(super) async fn burst(
    State(budget): State<Budget>,
    Json(request): Json<BurstRequest>,
) -> Result<Answer<BurstAnswer>, Problem> {
    answer(&budget, request).await
}

#[utoipa::path(
    get, path = "/api/v1/providers/burst", tag = "budget",
    summary = "Answers a prompt that is given in the query",
    params(BurstRequest),
    responses(
        (status = 200, body = BurstAnswer),
        (status = 400, description = "A parameter is missing or not valid"),
        (status = 402, description = "What is spent today leaves no room for the call"),
        (status = 413, description = "The prompt is too long"),
        (status = 422, description = "A parameter makes no sense"),
        (
            status = 429,
            description = "The client has spent its quota: `Retry-After` tells when there is room again",
        ),
        (
            status = 503,
            description = "No provider is available, or running calls have reserved the room for this \
                           one: try again soon",
        ),
        (status = 504, description = "No provider answered in time; it may charge nevertheless"),
    )
)]
pub(super) async fn burst_by_query(
    State(budget): State<Budget>,
    Query(request): Query<BurstRequest>,
) -> Result<Answer<BurstAnswer>, Problem> {
    answer(&budget, request).await
}

async fn answer(budget: &Budget, request: BurstRequest) -> Result<Answer<BurstAnswer>, Problem> {
    check(budget, &request)?;
    let criticality = request
        .criticality
        .unwrap_or_else(|| budget.policies.current().criticality);
    let time = request.ttl_seconds.map(Duration::from_secs);
    let question = Question {
        prompt: request.prompt.into(),
        criticality,
        time: time.unwrap_or(budget.limits.usual_ttl),
    };
    let reply = budget.bursts.ask(&question).await?;
    Ok(Answer(BurstAnswer {
        ok: true,
        cached: reply.source != Source::Provider,
        cache: reply.source.into(),
        text: reply.text,
        provider: reply.provider,
        model: reply.model,
        concurrency: reply.concurrency,
        providers_available: reply.providers_available,
        cost: reply.cost,
        failover: reply.failover,
        coalesced: reply.coalesced,
    }))
}

fn check(budget: &Budget, request: &BurstRequest) -> Result<(), Problem> {
    let limits = budget.limits;
    if request.prompt.trim().is_empty() {
        return Err(Problem::unprocessable("invalid_field", "`prompt` is empty"));
    }
    if request.prompt.len() > limits.prompt_bytes {
        let (found, most) = (request.prompt.len(), limits.prompt_bytes);
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "prompt_too_long",
            format!("`prompt` has {found} bytes, {most} are allowed"),
        ));
    }
    let most = limits.ttl.as_secs();
    match request.ttl_seconds {
        Some(seconds) if seconds > most => Err(Problem::unprocessable(
            "invalid_field",
            format!("`ttlSeconds` is {seconds}, not between 0 and {most}"),
        )),
        _ => Ok(()),
    }
}

//! `GET /api/v1/providers/resilience-status`: what keeps the calls to providers sound.

use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use tooloo_service::{Answer, Problem};
use utoipa::ToSchema;

use super::{
    Budget,
    budget::{self, BudgetFigures},
};
use crate::{day::Moment, single_flight::SingleFlightSnapshot};

/// What keeps the calls sound; a part that the service lacks is `null`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResilienceAnswer {
    ok: bool,
    circuit_breakers: Option<Value>,
    deduplicator: SingleFlightSnapshot,
    cache: Option<Value>,
    rate_limiter: Option<Value>,
    tracer: Option<Value>,
    budget: BudgetFigures,
    timestamp: Moment,
}

#[utoipa::path(
    get, path = "/api/v1/providers/resilience-status", tag = "budget",
    summary = "Shows what keeps the calls to providers sound",
    responses((status = 200, body = ResilienceAnswer))
)]
pub(super) async fn resilience_status(
    State(budget): State<Budget>,
) -> Result<Answer<ResilienceAnswer>, Problem> {
    let mut parts = budget.hub.snapshot();
    Ok(Answer(ResilienceAnswer {
        ok: true,
        circuit_breakers: parts.remove("circuitBreakers"),
        deduplicator: budget.bursts.snapshot(),
        cache: parts.remove("cache"),
        rate_limiter: parts.remove("rateLimiter"),
        tracer: parts.remove("tracer"),
        budget: budget::figures(&budget).await?,
        timestamp: tooloo_clock::wall().into(),
    }))
}

//! The routes every service has: health, figures and its own description.

mod describe;
mod metrics;
mod recent_trace;

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tooloo_clock::Instant;
use tooloo_hub::Hub;
use tooloo_trace::Tracer;
use utoipa::{ToSchema, openapi::OpenApi};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Admin, Answer, Caching, Identity, Problem, extract,
    health::{Health, Outcome},
};

/// What the system's routes look at.
#[derive(Clone)]
pub(crate) struct System {
    identity: Identity,
    tracer: Tracer,
    hub: Hub,
    health: Arc<Health>,
    started: Instant,
    openapi: Arc<OpenApi>,
    /// Names this process, whose document does not change.
    epoch: u64,
}

#[derive(Serialize, ToSchema)]
struct Alive {
    status: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Readiness {
    ready: bool,
    draining: bool,
    /// The checks that fail, by name.
    failing: BTreeMap<String, Outcome>,
}

#[derive(Serialize, ToSchema)]
struct HealthAnswer {
    /// Whether all checks pass.
    ok: bool,
    service: &'static str,
    version: &'static str,
    /// RFC 3339, UTC.
    time: String,
    /// In seconds.
    uptime: f64,
    /// Whether requests should be sent here: all checks pass, and no drain has begun.
    ready: bool,
    checks: BTreeMap<String, Outcome>,
    metrics: metrics::ShortFigures,
}

/// How many requests are traced in full.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sampling {
    /// From 0 to 1.
    sampling_rate: f64,
}

impl System {
    pub(crate) fn new(
        identity: &Identity,
        tracer: &Tracer,
        hub: &Hub,
        health: &Arc<Health>,
    ) -> Self {
        Self {
            identity: *identity,
            tracer: tracer.clone(),
            hub: hub.clone(),
            health: Arc::clone(health),
            started: tooloo_clock::now(),
            openapi: Arc::default(),
            epoch: fastrand::u64(..),
        }
    }

    /// Makes the routes, and adds them to what describes the domain's.
    pub(crate) fn routes(mut self, openapi: OpenApi) -> (Router, Arc<OpenApi>) {
        let router: OpenApiRouter<Self> = OpenApiRouter::new()
            .routes(routes!(livez))
            .routes(routes!(readyz))
            .routes(routes!(health))
            .routes(routes!(metrics))
            .routes(routes!(openapi_document))
            .routes(routes!(observability))
            .routes(routes!(recent_trace::recent_trace))
            .routes(routes!(set_sampling));
        let (router, system) = router.split_for_parts();
        self.openapi = Arc::new(describe::whole(&self.identity, openapi, system));
        let openapi = Arc::clone(&self.openapi);
        (router.with_state(self), openapi)
    }
}

/// Says that the process can serve.
#[utoipa::path(get, path = "/livez", tag = "system", responses((status = 200, body = Alive)))]
async fn livez() -> Answer<Alive> {
    Answer(Alive { status: "ok" })
}

/// Says whether requests should be sent here.
#[utoipa::path(
    get, path = "/readyz", tag = "system",
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)),
)]
async fn readyz(State(system): State<System>) -> Response {
    let report = system.health.report().await;
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let mut failing = report.checks;
    failing.retain(|_, outcome| !outcome.passed());
    let answer = Readiness {
        ready: report.ready,
        draining: report.draining,
        failing,
    };
    Answer::with_status(status, answer).into_response()
}

/// Shows the service's checks and its figures in short.
#[utoipa::path(get, path = "/health", tag = "system", responses((status = 200, body = HealthAnswer)))]
async fn health(State(system): State<System>) -> Answer<HealthAnswer> {
    let report = system.health.report().await;
    let now = Timestamp::try_from(tooloo_clock::wall()).unwrap_or_default();
    Answer(HealthAnswer {
        ok: report.checks.values().all(Outcome::passed),
        service: system.identity.name,
        version: system.identity.version,
        time: format!("{now:.3}"),
        uptime: system.started.elapsed().as_secs_f64(),
        ready: report.ready,
        checks: report.checks,
        metrics: metrics::ShortFigures::of(&system.tracer.handle().figures()),
    })
}

/// Writes all metrics for a scraper.
#[utoipa::path(
    get, path = "/metrics", tag = "system",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")),
)]
async fn metrics(State(system): State<System>, headers: HeaderMap) -> Response {
    metrics::answer(&system.hub, &headers)
}

/// Describes every operation of this service.
#[utoipa::path(
    get, path = "/openapi.json", tag = "system",
    responses((status = 200, body = Value, description = "An OpenAPI document")),
)]
async fn openapi_document(State(system): State<System>) -> Response {
    let caching = Caching::validated().with_etag(format_args!("{:016x}", system.epoch));
    (caching, Json(&*system.openapi)).into_response()
}

/// Shows what every layer of this service is doing.
#[utoipa::path(
    get, path = "/api/v1/system/observability", tag = "system",
    responses((status = 200, body = Value)),
)]
async fn observability(State(system): State<System>) -> Answer<Map<String, Value>> {
    let mut parts = Map::new();
    parts.insert("service".to_owned(), system.identity.name.into());
    parts.extend(system.hub.snapshot());
    Answer(parts)
}

/// Changes how many requests are traced in full, until the next start.
#[utoipa::path(
    post, path = "/api/v1/system/sampling", tag = "system", request_body = Sampling,
    responses((status = 200, body = Sampling)),
)]
async fn set_sampling(
    _admin: Admin,
    State(system): State<System>,
    extract::Json(sampling): extract::Json<Sampling>,
) -> Result<Answer<Sampling>, Problem> {
    system
        .tracer
        .set_sampling_rate(sampling.sampling_rate)
        .map_err(|error| {
            Problem::unprocessable("invalid_field", format!("`samplingRate`: {error}"))
        })?;
    tracing::info!(
        rate = sampling.sampling_rate,
        "the sampling rate was changed"
    );
    Ok(Answer(sampling))
}

//! The routes every service has: health, figures and its own description.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use tooloo_hub::Hub;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{Answer, Identity, health::Health};

#[derive(Clone)]
struct System {
    identity: Identity,
    hub: Hub,
    health: Arc<Health>,
    openapi: Arc<OpenApi>,
}

pub(crate) fn routes(
    identity: Identity,
    hub: Hub,
    health: Arc<Health>,
    mut openapi: OpenApi,
) -> Router {
    let router: OpenApiRouter<System> = OpenApiRouter::new()
        .routes(routes!(livez))
        .routes(routes!(readyz))
        .routes(routes!(observability));
    let (router, system) = router.split_for_parts();
    openapi.merge(system);
    openapi.info.title = identity.name.to_owned();
    openapi.info.version = identity.version.to_owned();
    let openapi = Arc::new(openapi);
    router
        .route(
            "/openapi.json",
            axum::routing::get(|State(system): State<System>| async move {
                Json(system.openapi.as_ref().clone())
            }),
        )
        .with_state(System {
            identity,
            hub,
            health,
            openapi,
        })
}

/// Says that the process can serve.
#[utoipa::path(get, path = "/livez", tag = "system", responses((status = 200)))]
async fn livez() -> &'static str {
    "ok\n"
}

/// Says whether requests should be sent here.
#[utoipa::path(get, path = "/readyz", tag = "system", responses((status = 200), (status = 503)))]
async fn readyz(State(system): State<System>) -> Response {
    let report = system.health.report().await;
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let failing: Map<String, Value> = report
        .checks
        .iter()
        .filter(|(_, outcome)| !outcome.passed())
        .map(|(name, outcome)| (name.clone(), json!(outcome)))
        .collect();
    let body = json!({ "ready": report.ready, "draining": report.draining, "failing": failing });
    Answer::with_status(status, body).into_response()
}

/// Shows what every layer of this service is doing.
#[utoipa::path(get, path = "/api/v1/system/observability", tag = "system", responses((status = 200)))]
async fn observability(State(system): State<System>) -> Response {
    let mut parts = Map::new();
    parts.insert("service".to_owned(), system.identity.name.into());
    parts.extend(system.hub.snapshot());
    Answer(parts).into_response()
}

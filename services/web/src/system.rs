//! What the gateway says about itself and the fleet behind it.

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use tooloo_service::Answer;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    fleet::{Fleet, Found},
    gateway::{PREFIXES, Prefix},
};

/// The paths that are passed on.
#[derive(Debug, Serialize, ToSchema)]
struct Routes {
    routes: &'static [Prefix],
}

/// All services, by port.
#[derive(Debug, Serialize, ToSchema)]
struct FleetAnswer {
    /// Whether every service answered.
    ok: bool,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    services: Vec<Found>,
}

/// Collects the routes.
pub(crate) fn router(fleet: Fleet) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list_routes))
        .routes(routes!(fleet_observability))
        .with_state(fleet)
}

#[utoipa::path(
    get, path = "/api/v1/system/routes", tag = "system",
    summary = "Which paths are passed on to which service",
    responses((status = 200, body = Routes))
)]
async fn list_routes() -> Answer<Routes> {
    Answer(Routes { routes: &PREFIXES })
}

#[utoipa::path(
    get, path = "/api/v1/system/fleet", tag = "system",
    summary = "What every service of the fleet says about itself",
    responses((status = 200, body = FleetAnswer))
)]
async fn fleet_observability(State(fleet): State<Fleet>) -> Answer<FleetAnswer> {
    let services = fleet.look().await;
    Answer(FleetAnswer {
        ok: services.iter().all(Found::ok),
        time: Timestamp::try_from(tooloo_clock::wall())
            .expect("the clock shows a year before 10000"),
        services,
    })
}

//! How fast the fleet is.

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use tooloo_service::{Answer, Problem};
use utoipa::ToSchema;

use super::Reports;
use crate::performance::{self, Performance, SlowRoute};

/// How every service performs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PerformanceReport {
    #[schema(value_type = String, format = DateTime)]
    generated_at: Timestamp,
    totals: Totals,
    services: Vec<Performance>,
    /// The routes with the largest p99 over all services that answered.
    slowest_routes: Vec<SlowRoute>,
}

/// All services together; `null` where one of them is missing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Totals {
    requests: Option<f64>,
    errors: Option<f64>,
    active: Option<f64>,
    throughput: Option<f64>,
    slowest_p99: Option<f64>,
}

#[utoipa::path(
    get, path = "/api/v1/reports/performance", tag = "reports",
    summary = "How fast every service answers, and how often it fails",
    responses((status = 200, body = PerformanceReport))
)]
pub(super) async fn performance(
    State(reports): State<Reports>,
) -> Result<Answer<PerformanceReport>, Problem> {
    let gathered = reports.gatherer.gather().await?;
    let total = |name| gathered.figures.get(name);
    Ok(Answer(PerformanceReport {
        generated_at: gathered.time,
        totals: Totals {
            requests: total("requests"),
            errors: total("errors"),
            active: total("activeTraces"),
            throughput: total("throughput"),
            slowest_p99: total("slowestP99"),
        },
        services: performance::services(&gathered.observability),
        slowest_routes: performance::slowest(&gathered.observability),
    }))
}

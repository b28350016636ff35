//! Everything at once, at length and in short.

use std::collections::BTreeMap;

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use tooloo_service::{Answer, Problem};
use utoipa::ToSchema;

use super::{Reports, SourceState};
use crate::{
    figures::Figures,
    gather::{Copy, Gathered},
    performance::{self, Performance},
};

/// Everything that is known about the fleet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Comprehensive {
    #[schema(value_type = String, format = DateTime)]
    generated_at: Timestamp,
    /// Whether every source answered now.
    complete: bool,
    /// Drawn from what is not stale.
    figures: Figures,
    /// What every service says about its domain.
    #[schema(value_type = Object)]
    sources: BTreeMap<&'static str, Copy>,
    performance: Vec<Performance>,
}

/// The figures, and how fresh they are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dashboard {
    #[schema(value_type = String, format = DateTime)]
    generated_at: Timestamp,
    complete: bool,
    figures: Figures,
    #[schema(value_type = Object)]
    sources: BTreeMap<&'static str, SourceState>,
    #[schema(value_type = Object)]
    services: BTreeMap<&'static str, SourceState>,
}

#[utoipa::path(
    get, path = "/api/v1/reports/comprehensive", tag = "reports",
    summary = "Everything that every service says",
    responses((status = 200, body = Comprehensive))
)]
pub(super) async fn comprehensive(
    State(reports): State<Reports>,
) -> Result<Answer<Comprehensive>, Problem> {
    let gathered = reports.gatherer.gather().await?;
    Ok(Answer(Comprehensive {
        generated_at: gathered.time,
        complete: is_complete(&gathered),
        figures: gathered.figures.clone(),
        performance: performance::services(&gathered.observability),
        sources: gathered.domain.clone(),
    }))
}

#[utoipa::path(
    get, path = "/api/v1/reports/dashboard", tag = "reports",
    summary = "The fleet's figures, and how fresh they are",
    responses((status = 200, body = Dashboard))
)]
pub(super) async fn dashboard(
    State(reports): State<Reports>,
) -> Result<Answer<Dashboard>, Problem> {
    let gathered = reports.gatherer.gather().await?;
    Ok(Answer(Dashboard {
        generated_at: gathered.time,
        complete: is_complete(&gathered),
        figures: gathered.figures.clone(),
        sources: SourceState::of_all(&gathered.domain),
        services: SourceState::of_all(&gathered.observability),
    }))
}

fn is_complete(gathered: &Gathered) -> bool {
    let mut copies = gathered
        .domain
        .values()
        .chain(gathered.observability.values());
    copies.all(|copy| copy.error.is_none())
}

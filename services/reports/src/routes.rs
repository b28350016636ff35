//! The HTTP interface.

mod change;
mod overall;
mod speed;

use std::collections::BTreeMap;

use database::Store;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tooloo_service::Problem;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::gather::{Copy, Gatherer};

/// The window that is looked at where nothing else is asked for, and at most, in hours.
const USUAL_HOURS: u32 = 24;
const MAX_HOURS: u32 = 168;

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Reports {
    gatherer: Gatherer,
    store: Store,
}

/// How far back a report looks.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct WindowQuery {
    /// 1 to 168, 24 where none are given.
    #[param(minimum = 1, maximum = 168)]
    hours: Option<u32>,
}

/// How one source stands, without what it said.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SourceState {
    stale: bool,
    /// How old its answer is, in seconds; `null` where it never gave one.
    age: Option<f64>,
    error: Option<String>,
}

/// Collects the routes.
pub(crate) fn router(reports: Reports) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(overall::comprehensive))
        .routes(routes!(speed::performance))
        .routes(routes!(overall::dashboard))
        .routes(routes!(change::trends))
        .routes(routes!(change::delta))
        .routes(routes!(change::cost_efficiency))
        .with_state(reports)
}

impl Reports {
    pub(crate) fn new(gatherer: Gatherer, store: Store) -> Self {
        Self { gatherer, store }
    }
}

impl WindowQuery {
    /// Returns the hours, and when they began.
    fn start(&self, now: Timestamp) -> Result<(u32, Timestamp), Problem> {
        let hours = self.hours.unwrap_or(USUAL_HOURS);
        if !(1..=MAX_HOURS).contains(&hours) {
            let detail = format!("`hours`: {hours} is not between 1 and {MAX_HOURS}");
            return Err(Problem::bad_request("invalid_query", detail));
        }
        Ok((hours, now - SignedDuration::from_hours(hours.into())))
    }
}

impl SourceState {
    fn of_all(copies: &BTreeMap<&'static str, Copy>) -> BTreeMap<&'static str, Self> {
        let state = |copy: &Copy| Self {
            stale: copy.stale,
            age: copy.age,
            error: copy.error.clone(),
        };
        copies
            .iter()
            .map(|(&name, copy)| (name, state(copy)))
            .collect()
    }
}

//! What happened to operations.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use tooloo_service::{Answer, Problem, Query};
use utoipa::IntoParams;

use super::Capabilities;
use crate::store::Page;

/// The most events on a page.
const LARGEST_PAGE: u32 = 200;

/// Which part of the history to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    /// Only events older than this one: the `next` of the page before.
    before: Option<i64>,
    /// How many events to show.
    #[param(minimum = 1, maximum = 200)]
    limit: u32,
}

impl Default for Asked {
    fn default() -> Self {
        Self {
            before: None,
            limit: 50,
        }
    }
}

/// Shows what was activated, deactivated, discovered, gone and back, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities/history",
    tag = "capabilities",
    summary = "Shows what happened to operations",
    params(Asked),
    responses(
        (status = 200, body = Page),
        (status = 422, description = "The page is too large"),
    )
)]
pub(super) async fn history(
    State(capabilities): State<Arc<Capabilities>>,
    Query(Asked { before, limit }): Query<Asked>,
) -> Result<Answer<Page>, Problem> {
    if !(1..=LARGEST_PAGE).contains(&limit) {
        let detail = format!("`limit` must be from 1 to {LARGEST_PAGE}, not {limit}");
        return Err(Problem::unprocessable("invalid_limit", detail));
    }
    Ok(Answer(capabilities.records.history(before, limit).await?))
}

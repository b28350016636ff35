//! What the service has done, and how it is set.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use tooloo_service::{Answer, Json, Problem};
use utoipa::ToSchema;

use super::Segmentation;
use crate::{
    store::{Analyses, Saved, Standing},
    tuning::{Tuning, TuningChange},
};

/// What the service has done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    /// Conversations analysed, over all starts of the service.
    analyses: Analyses,
    clusterings: Clusterings,
    computations: Computations,
    settings: Tuning,
}

/// Clusterings made, over all starts of the service.
#[derive(Debug, Serialize, ToSchema)]
struct Clusterings {
    count: i64,
    /// The newest; `null` before the first.
    last: Option<Saved>,
}

/// Places for computations.
#[derive(Debug, Serialize, ToSchema)]
struct Computations {
    running: usize,
    limit: usize,
    /// Refused since this start because no place was free.
    refused: u64,
}

/// The settings in force.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Configured {
    settings: Tuning,
}

/// Shows what was analysed and grouped so far, and the settings in force.
#[utoipa::path(
    get,
    path = "/api/v1/segmentation/status",
    tag = "segmentation",
    summary = "Shows counts, last runs and settings",
    responses((status = 200, body = Status))
)]
pub(super) async fn status(
    State(segmentation): State<Arc<Segmentation>>,
) -> Result<Answer<Status>, Problem> {
    let Standing {
        tuning,
        analyses,
        newest,
    } = segmentation.records.standing().await?;
    Ok(Answer(Status {
        analyses,
        clusterings: Clusterings {
            count: newest.as_ref().map_or(0, |newest| newest.id),
            last: newest,
        },
        computations: Computations {
            running: segmentation.jobs.running(),
            limit: segmentation.jobs.limit(),
            refused: segmentation.jobs.refused(),
        },
        settings: tuning,
    }))
}

/// Changes settings: those that are given, all of them or none.
#[utoipa::path(
    post,
    path = "/api/v1/segmentation/configure",
    tag = "segmentation",
    summary = "Changes settings",
    request_body = TuningChange,
    responses(
        (status = 200, body = Configured),
        (status = 422, description = "A setting is unknown or out of its range"),
    )
)]
pub(super) async fn configure(
    State(segmentation): State<Arc<Segmentation>>,
    Json(change): Json<TuningChange>,
) -> Result<Answer<Configured>, Problem> {
    let settings = segmentation
        .records
        .change_tuning(change)
        .await?
        .map_err(|error| Problem::unprocessable("out_of_range", error.to_string()))?;
    Ok(Answer(Configured { settings }))
}

//! Activates and deactivates operations.

use std::sync::Arc;

use axum::extract::State;
use database::now;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Json, Problem};
use utoipa::ToSchema;

use super::Capabilities;
use crate::{
    capability::Capability,
    store::{Change, Wish},
};

/// Which operation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    #[schema(examples("training.overview"))]
    id: String,
}

/// The operation after the change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Outcome {
    /// Whether anything changed; `false` where it was so already.
    changed: bool,
    active: bool,
    capability: Capability,
}

/// Activates an operation, so that its reachability and its use are tracked.
#[utoipa::path(
    post,
    path = "/api/v1/capabilities/activate",
    tag = "capabilities",
    summary = "Activates an operation",
    request_body = Named,
    responses(
        (status = 200, body = Outcome),
        (status = 404, description = "No service ever offered such an operation"),
        (status = 409, description = "The operation is offered no more"),
    )
)]
pub(super) async fn activate(
    State(capabilities): State<Arc<Capabilities>>,
    Json(Named { id }): Json<Named>,
) -> Result<Answer<Outcome>, Problem> {
    change(&capabilities, id, Wish::Activate).await
}

/// Deactivates an operation, also one that is offered no more.
#[utoipa::path(
    post,
    path = "/api/v1/capabilities/deactivate",
    tag = "capabilities",
    summary = "Deactivates an operation",
    request_body = Named,
    responses(
        (status = 200, body = Outcome),
        (status = 404, description = "No service ever offered such an operation"),
    )
)]
pub(super) async fn deactivate(
    State(capabilities): State<Arc<Capabilities>>,
    Json(Named { id }): Json<Named>,
) -> Result<Answer<Outcome>, Problem> {
    change(&capabilities, id, Wish::Deactivate).await
}

async fn change(
    capabilities: &Capabilities,
    id: String,
    wish: Wish,
) -> Result<Answer<Outcome>, Problem> {
    capabilities.refresher.refresh_once().await?;
    let (change, known) = capabilities.records.change(&id, wish, now()).await?;
    let changed = match change {
        Change::Made => true,
        Change::Unneeded => false,
        Change::Unknown => return Err(unknown()),
        Change::Gone => {
            let detail = "the operation called `id` is offered no more";
            return Err(Problem::conflict("capability_gone", detail));
        }
    };
    let capability = capabilities.joined(known.ok_or_else(unknown)?);
    Ok(Answer(Outcome {
        changed,
        active: capability.is_active(),
        capability,
    }))
}

fn unknown() -> Problem {
    let detail =
        "no service ever offered an operation called `id`; see /api/v1/capabilities/discovered";
    Problem::not_found("unknown_capability", detail)
}

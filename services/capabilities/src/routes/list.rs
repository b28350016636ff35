//! Operations with their state and their use.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Capabilities;
use crate::capability::{Capability, State as CapabilityState};

/// What to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    /// Only operations in this state.
    #[param(inline)]
    state: Option<CapabilityState>,
    /// Look at all services before answering.
    refresh: bool,
    /// Only operations of this service.
    service: Option<String>,
}

/// Operations, in the order of their ids.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct List {
    count: usize,
    capabilities: Vec<Capability>,
}

/// Lists operations with their state, their reachability and their use.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities/list",
    tag = "capabilities",
    summary = "Lists operations with their state and use",
    params(Asked),
    responses(
        (status = 200, body = List),
        (status = 422, description = "No such service"),
    )
)]
pub(super) async fn list(
    State(capabilities): State<Arc<Capabilities>>,
    Query(asked): Query<Asked>,
) -> Result<Answer<List>, Problem> {
    capabilities.check_service(asked.service.as_deref())?;
    let mut listed = capabilities.all(asked.refresh).await?;
    listed.retain(|capability| {
        let service = asked.service.as_ref();
        asked.state.is_none_or(|state| state == capability.state)
            && service.is_none_or(|service| *service == capability.operation.service)
    });
    Ok(Answer(List {
        count: listed.len(),
        capabilities: listed,
    }))
}

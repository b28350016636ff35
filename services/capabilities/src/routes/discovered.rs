//! What the services offer.

use std::sync::Arc;

use axum::extract::State;
use database::now;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Capabilities;
use crate::{
    capability::{Capability, State as CapabilityState},
    operation::Operation,
};

/// What to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    /// Look at all services before answering.
    refresh: bool,
    /// Show this service alone.
    service: Option<String>,
}

/// The services and what they offer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Discovered {
    services: Vec<Source>,
    /// How many operations are shown.
    count: usize,
    capabilities: Vec<Operation>,
}

/// A service, as of the last look.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Source {
    service: String,
    address: String,
    /// Whether it answered the last look; `null` before the first.
    reachable: Option<bool>,
    /// Whether what is shown of it is older than the last look.
    stale: bool,
    /// Operations it offers.
    operations: usize,
    /// Operations it once offered.
    gone: usize,
    /// When its last good document was read; `null` where none ever was.
    #[schema(value_type = Option<String>, format = DateTime)]
    read: Option<Timestamp>,
    /// Seconds since then.
    age: Option<i64>,
    /// When it was last looked at; `null` before the first look since the start.
    #[schema(value_type = Option<String>, format = DateTime)]
    looked: Option<Timestamp>,
    /// Why the last look gave no usable document.
    error: Option<String>,
}

/// Shows every operation of every service, and how fresh that knowledge is.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities/discovered",
    tag = "capabilities",
    summary = "Shows every operation of every service",
    params(Asked),
    responses(
        (status = 200, body = Discovered),
        (status = 422, description = "No such service"),
    )
)]
pub(super) async fn discovered(
    State(capabilities): State<Arc<Capabilities>>,
    Query(asked): Query<Asked>,
) -> Result<Answer<Discovered>, Problem> {
    capabilities.check_service(asked.service.as_deref())?;
    let wanted = |service: &str| {
        asked
            .service
            .as_deref()
            .is_none_or(|asked| asked == service)
    };
    capabilities.look(asked.refresh).await?;
    let (known, documents) = capabilities.records.all_with_documents().await?;
    let all: Vec<Capability> = known
        .into_iter()
        .map(|known| capabilities.joined(known))
        .collect();
    let services = capabilities
        .services()
        .into_iter()
        .filter(|service| wanted(service))
        .map(|service| {
            source(
                &capabilities,
                service,
                &all,
                documents.get(service).copied(),
            )
        })
        .collect();
    let offered: Vec<Operation> = all
        .into_iter()
        .filter(|capability| capability.state != CapabilityState::Gone)
        .map(|capability| capability.operation)
        .filter(|operation| wanted(&operation.service))
        .collect();
    Ok(Answer(Discovered {
        services,
        count: offered.len(),
        capabilities: offered,
    }))
}

fn source(
    capabilities: &Capabilities,
    service: &str,
    all: &[Capability],
    read: Option<Timestamp>,
) -> Source {
    let present = capabilities.sources.present(service);
    let (gone, offered): (Vec<_>, Vec<_>) = all
        .iter()
        .filter(|capability| capability.operation.service == service)
        .partition(|capability| capability.state == CapabilityState::Gone);
    let address = capabilities
        .sources
        .peer(service)
        .map(|peer| peer.base().to_string());
    Source {
        service: service.to_owned(),
        address: address.unwrap_or_default(),
        reachable: present.reachable,
        stale: !present.is_read(),
        operations: offered.len(),
        gone: gone.len(),
        read,
        // The wall clock can be set back.
        age: read.map(|read| (now().as_second() - read.as_second()).max(0)),
        looked: present.looked,
        error: present.error,
    }
}

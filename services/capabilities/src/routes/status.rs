//! Where everything stands, and what it adds up to.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use database::now;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Capabilities;
use crate::{
    capability::Capability,
    insights::{Insights, Totals},
};

/// How fresh the answer has to be.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    /// Look at all services before answering.
    refresh: bool,
}

/// Where everything stands.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Status {
    services: Services,
    capabilities: Totals,
    /// Activated operations, also those that are gone.
    active: Vec<Capability>,
    refresh: Every,
    /// `null` where nothing is probed.
    probing: Option<Every>,
}

/// Services by how they answered the last look.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Services {
    known: usize,
    reachable: usize,
    unreachable: Vec<String>,
    /// Answered, but with nothing usable.
    unreadable: Vec<String>,
}

/// Something that happens again and again.
#[derive(Debug, Serialize, ToSchema)]
struct Every {
    /// In milliseconds.
    interval: f64,
}

/// What the fleet's capabilities add up to, at a time.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Summary {
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    #[serde(flatten)]
    insights: Insights,
}

/// Shows which services answer and how the active operations do.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities/status",
    tag = "capabilities",
    summary = "Shows services and active operations",
    params(Asked),
    responses((status = 200, body = Status))
)]
pub(super) async fn status(
    State(capabilities): State<Arc<Capabilities>>,
    Query(Asked { refresh }): Query<Asked>,
) -> Result<Answer<Status>, Problem> {
    let mut all = capabilities.all(refresh).await?;
    let totals = Totals::of(&all);
    all.retain(Capability::is_active);
    let config = &capabilities.config;
    Ok(Answer(Status {
        services: services(&capabilities),
        capabilities: totals,
        active: all,
        refresh: every(config.refresh_interval.get()),
        probing: config.probe_interval.map(|interval| every(interval.get())),
    }))
}

/// Sums up counts, use and failures over all operations.
#[utoipa::path(
    get,
    path = "/api/v1/capabilities/insights",
    tag = "capabilities",
    summary = "Sums up use and failures",
    params(Asked),
    responses((status = 200, body = Summary))
)]
pub(super) async fn insights(
    State(capabilities): State<Arc<Capabilities>>,
    Query(Asked { refresh }): Query<Asked>,
) -> Result<Answer<Summary>, Problem> {
    let all = capabilities.all(refresh).await?;
    Ok(Answer(Summary {
        time: now(),
        insights: Insights::of(&capabilities.services(), &all),
    }))
}

fn services(capabilities: &Capabilities) -> Services {
    let mut services = Services {
        known: 0,
        reachable: 0,
        unreachable: Vec::new(),
        unreadable: Vec::new(),
    };
    for service in capabilities.services() {
        let present = capabilities.sources.present(service);
        services.known += 1;
        match present.reachable {
            Some(true) => {
                services.reachable += 1;
                if !present.is_read() {
                    services.unreadable.push(service.to_owned());
                }
            }
            Some(false) => services.unreachable.push(service.to_owned()),
            None => {}
        }
    }
    services
}

fn every(interval: Duration) -> Every {
    Every {
        interval: interval.as_secs_f64() * 1e3,
    }
}

//! What the service answers.

mod budget;
mod burst;
mod cohorts;
mod policy;
mod providers;
mod realtime;
mod resilience;

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use http::Request;
use tooloo_hub::Hub;
use tooloo_key::ExtractKey;
use tooloo_rate_limit::RateLimitLayer;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    BudgetConfig,
    burst::Bursts,
    cohort::Cohorts,
    criticality::Shares,
    ledger::Ledger,
    money::Money,
    policy::Policies,
    provider::{Providers, gate::Gate},
    realtime::Realtime,
};

/// What the handlers share.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    pub(crate) bursts: Bursts,
    pub(crate) ledger: Ledger,
    pub(crate) providers: Providers,
    pub(crate) gate: Gate,
    pub(crate) policies: Policies,
    pub(crate) cohorts: Arc<Cohorts>,
    pub(crate) realtime: Realtime,
    pub(crate) hub: Hub,
    pub(crate) limits: Limits,
}

/// What bounds requests and spending.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) daily: Money,
    pub(crate) shares: Shares,
    pub(crate) prompt_bytes: usize,
    pub(crate) ttl: Duration,
    pub(crate) usual_ttl: Duration,
    pub(crate) history_days: u32,
}

impl Limits {
    pub(crate) fn new(config: &BudgetConfig) -> Self {
        Self {
            daily: config.daily_limit,
            shares: config.shares,
            prompt_bytes: config.max_prompt_bytes.get() as usize,
            ttl: config.max_ttl,
            usual_ttl: config.usual_ttl.min(config.max_ttl),
            history_days: config.history_days.get(),
        }
    }
}

/// Makes the routes. Those that spend money on providers are limited; those that look are not, since
/// they are wanted most where there is trouble.
pub(crate) fn router(
    budget: Budget,
    rate_limit: RateLimitLayer<impl ExtractKey<Request<Body>> + Clone + Send + Sync + 'static>,
) -> OpenApiRouter {
    let bursts = OpenApiRouter::new()
        .routes(routes!(burst::burst, burst::burst_by_query))
        // Outside of what shares an answer among askers: an answer that costs nothing counts as well.
        .layer(rate_limit);
    OpenApiRouter::new()
        .merge(bursts)
        .routes(routes!(resilience::resilience_status))
        .routes(routes!(providers::providers_status))
        .routes(routes!(providers::provider_costs))
        .routes(routes!(providers::recommend_provider))
        .routes(routes!(
            policy::provider_policy,
            policy::change_provider_policy
        ))
        .routes(routes!(realtime::providers_realtime))
        .routes(routes!(budget::budget))
        .routes(routes!(budget::budget_history))
        .routes(routes!(budget::can_afford))
        .routes(routes!(cohorts::cohort_policy))
        .routes(routes!(cohorts::cohort_metrics))
        .routes(routes!(cohorts::record_workflow))
        .with_state(budget)
}

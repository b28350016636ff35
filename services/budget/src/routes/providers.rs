//! `GET /api/v1/providers/status`, `/costs` and `/recommend`: what is known about the providers.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Budget;
use crate::{
    criticality::Criticality,
    day::Day,
    ledger::{NamedTotal, Total},
    money::{Money, Prices},
    provider::status::ProviderStatus,
};

/// The prompt that a recommendation is for where none is given, in bytes.
const USUAL_PROMPT: u32 = 1_000;

/// How every provider is doing.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusAnswer {
    ok: bool,
    /// Providers that can be called now.
    providers_available: usize,
    /// Calls to providers under way, over all of them.
    in_flight: u32,
    /// Requests that wait for one of those calls to end.
    waiting: usize,
    providers: Vec<ProviderStatus>,
}

/// What every provider cost today.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CostsAnswer {
    ok: bool,
    /// Today, UTC.
    date: Day,
    currency: &'static str,
    /// All of today's spending, recorded workflows included.
    total: Total,
    providers: Vec<ProviderCosts>,
}

/// What one provider cost today.
#[derive(Debug, Serialize, ToSchema)]
struct ProviderCosts {
    name: String,
    /// Dollars for a million tokens; unknown of one that is no longer configured.
    prices: Option<Prices>,
    #[serde(flatten)]
    total: Total,
}

/// The call that a recommendation is for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub(super) struct RecommendQuery {
    /// How much the call matters; the policy's criticality unless given.
    criticality: Option<Criticality>,
    /// The length of the prompt in bytes; 1000 unless given.
    prompt_bytes: Option<u32>,
}

/// The provider that would be asked first, and those after it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecommendAnswer {
    ok: bool,
    /// Who would be asked first; `null` where no provider can be called.
    provider: Option<String>,
    criticality: Criticality,
    /// Every provider that can be called, best first.
    ranking: Vec<Ranked>,
}

/// A provider's place in the order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Ranked {
    provider: String,
    model: String,
    /// Dollars that the call is expected to cost.
    expected_cost: Money,
    /// Micro-dollars all told, with time priced in: the less the better.
    score: f64,
}

#[utoipa::path(
    get, path = "/api/v1/providers/status", tag = "budget",
    summary = "Shows how every provider is doing",
    responses((status = 200, body = StatusAnswer))
)]
pub(super) async fn providers_status(State(budget): State<Budget>) -> Answer<StatusAnswer> {
    let now = tooloo_clock::now();
    Answer(StatusAnswer {
        ok: true,
        providers_available: budget.providers.available(now),
        in_flight: budget.gate.in_use(),
        waiting: budget.gate.waiting(),
        providers: budget.providers.statuses(now),
    })
}

#[utoipa::path(
    get, path = "/api/v1/providers/costs", tag = "budget",
    summary = "Shows what every provider cost today",
    responses((status = 200, body = CostsAnswer))
)]
pub(super) async fn provider_costs(
    State(budget): State<Budget>,
) -> Result<Answer<CostsAnswer>, Problem> {
    let (date, total, mut totals) = budget.ledger.today().await?;
    let mut providers: Vec<_> = budget
        .providers
        .iter()
        .map(|provider| {
            let found = totals.iter().position(|total| total.name == provider.name);
            ProviderCosts {
                name: provider.name.clone(),
                prices: Some(provider.prices),
                total: found
                    .map(|found| totals.remove(found).total)
                    .unwrap_or_default(),
            }
        })
        .collect();
    let former = |NamedTotal { name, total }| ProviderCosts {
        name,
        prices: None,
        total,
    };
    providers.extend(totals.into_iter().map(former));
    Ok(Answer(CostsAnswer {
        ok: true,
        date,
        currency: "USD",
        total,
        providers,
    }))
}

#[utoipa::path(
    get, path = "/api/v1/providers/recommend", tag = "budget",
    summary = "Tells which provider a call would go to, and why",
    params(RecommendQuery),
    responses(
        (status = 200, body = RecommendAnswer),
        (status = 400, description = "A parameter is not valid"),
    )
)]
pub(super) async fn recommend_provider(
    State(budget): State<Budget>,
    Query(query): Query<RecommendQuery>,
) -> Answer<RecommendAnswer> {
    let criticality = query
        .criticality
        .unwrap_or_else(|| budget.policies.current().criticality);
    let prompt_bytes = query.prompt_bytes.unwrap_or(USUAL_PROMPT) as usize;
    let now = tooloo_clock::now();
    let order = budget.providers.ranked(prompt_bytes, criticality);
    let ranking: Vec<_> = order
        .into_iter()
        .filter(|place| place.provider.is_available(now))
        .map(|place| Ranked {
            provider: place.provider.name.clone(),
            model: place.provider.model.clone(),
            expected_cost: place.expected_cost,
            score: place.score,
        })
        .collect();
    Answer(RecommendAnswer {
        ok: true,
        provider: ranking.first().map(|best| best.provider.clone()),
        criticality,
        ranking,
    })
}

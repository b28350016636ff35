//! `GET` and `POST /api/v1/providers/policy`: what an operator can change at run time.

use std::num::NonZeroU32;

use axum::extract::State;
use serde::Serialize;
use tooloo_service::{Answer, Json, Problem};
use utoipa::ToSchema;

use super::Budget;
use crate::{
    criticality::Criticality,
    money::Money,
    policy::{MOST_CONCURRENCY, Policy, PolicyChange},
};

/// The policy in force.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyAnswer {
    ok: bool,
    #[serde(flatten)]
    policy: Policy,
    /// What calls of each criticality may use of the daily limit.
    usable: Vec<Usable>,
}

/// What calls of one criticality may use of the daily limit.
#[derive(Debug, Serialize, ToSchema)]
struct Usable {
    criticality: Criticality,
    /// Dollars a day.
    limit: Money,
}

#[utoipa::path(
    get, path = "/api/v1/providers/policy", tag = "budget",
    summary = "Shows how many calls may run at once, and what a call is worth",
    responses((status = 200, body = PolicyAnswer))
)]
pub(super) async fn provider_policy(State(budget): State<Budget>) -> Answer<PolicyAnswer> {
    Answer(show(&budget, budget.policies.newest().await))
}

#[utoipa::path(
    post, path = "/api/v1/providers/policy", tag = "budget",
    summary = "Changes the policy; what is left out stays as it is",
    request_body = PolicyChange,
    responses(
        (status = 200, body = PolicyAnswer),
        (status = 422, description = "A member is unknown or makes no sense"),
    )
)]
pub(super) async fn change_provider_policy(
    State(budget): State<Budget>,
    Json(change): Json<PolicyChange>,
) -> Result<Answer<PolicyAnswer>, Problem> {
    let max_concurrency = change.max_concurrency.map(concurrency).transpose()?;
    let policy = budget
        .policies
        .change(max_concurrency, change.criticality)
        .await?;
    Ok(Answer(show(&budget, policy)))
}

fn concurrency(number: u32) -> Result<NonZeroU32, Problem> {
    NonZeroU32::new(number)
        .filter(|number| number.get() <= MOST_CONCURRENCY)
        .ok_or_else(|| {
            Problem::unprocessable(
                "invalid_field",
                format!("`maxConcurrency` is {number}, not between 1 and {MOST_CONCURRENCY}"),
            )
        })
}

fn show(budget: &Budget, policy: Policy) -> PolicyAnswer {
    let limits = budget.limits;
    let usable = Criticality::ALL.map(|criticality| Usable {
        criticality,
        limit: limits.shares.of(criticality, limits.daily),
    });
    PolicyAnswer {
        ok: true,
        policy,
        usable: usable.into(),
    }
}

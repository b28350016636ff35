//! `GET /api/v1/budget`, `/history`, and `POST /can-afford`: the day's money.

use axum::extract::State;
use database::StoreError;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Json, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::Budget;
use crate::{
    cohort::CohortName,
    criticality::Criticality,
    day::{Day, Moment},
    ledger::{DayTotal, Entry},
    money::Money,
};

/// How much of the history is shown where nothing else is asked for, and at most.
const USUAL_DAYS: u32 = 30;
const USUAL_ENTRIES: u32 = 100;
const MOST_ENTRIES: u32 = 1_000;

/// Where today's budget stands.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct BudgetFigures {
    /// Today, UTC.
    date: Day,
    /// Dollars that may be spent today.
    daily_limit: Money,
    /// Dollars spent.
    spent: Money,
    /// Dollars set aside for calls that run now.
    reserved: Money,
    /// Dollars neither spent nor set aside.
    remaining: Money,
    /// When the next day begins.
    resets_at: Moment,
    /// What calls of each criticality may use.
    usable: Vec<Usable>,
    /// Reservations that nobody settled or gave back, since start.
    expired_reservations: u64,
    /// Calls that cost more than was reserved for them, since start.
    overruns: u64,
}

/// What calls of one criticality may use.
#[derive(Debug, Serialize, ToSchema)]
struct Usable {
    criticality: Criticality,
    /// Dollars of the daily limit.
    limit: Money,
    /// Dollars of it that are neither spent nor set aside.
    available: Money,
}

/// Today's budget.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BudgetAnswer {
    ok: bool,
    #[serde(flatten)]
    figures: BudgetFigures,
}

/// Which part of the history to show.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryQuery {
    /// How many days, today included; 30 unless given.
    #[param(minimum = 1)]
    days: Option<u32>,
    /// How many lines of the ledger; 100 unless given.
    #[param(minimum = 0, maximum = 1000)]
    entries: Option<u32>,
}

/// What was spent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct HistoryAnswer {
    ok: bool,
    daily_limit: Money,
    /// The days on which something was spent, newest first.
    days: Vec<DayTotal>,
    /// The newest lines of the ledger, newest first.
    entries: Vec<Entry>,
}

/// An amount that one would like to spend.
#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct AffordRequest {
    /// Dollars.
    cost: Money,
    /// Who would spend it.
    #[serde(alias = "cohortId")]
    cohort: Option<CohortName>,
    /// How much it matters; the policy's criticality unless given.
    criticality: Option<Criticality>,
}

/// Whether an amount may be spent now.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AffordAnswer {
    ok: bool,
    affordable: bool,
    cost: Money,
    /// The first limit that the amount would pass.
    limit: Option<Bound>,
    /// Dollars that may be spent now, within all limits.
    available: Money,
    criticality: Criticality,
    cohort: Option<CohortName>,
}

/// What can stand in the way of an amount.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Bound {
    /// The part of the daily limit that its criticality may use.
    Daily,
    /// What its cohort may spend on one workflow.
    Workflow,
    /// What its cohort may spend a day.
    CohortDaily,
}

#[utoipa::path(
    get, path = "/api/v1/budget", tag = "budget",
    summary = "Shows where today's budget stands",
    responses((status = 200, body = BudgetAnswer))
)]
pub(super) async fn budget(State(budget): State<Budget>) -> Result<Answer<BudgetAnswer>, Problem> {
    Ok(Answer(BudgetAnswer {
        ok: true,
        figures: figures(&budget).await?,
    }))
}

#[utoipa::path(
    get, path = "/api/v1/budget/history", tag = "budget",
    summary = "Shows what was spent, by day and line by line",
    params(HistoryQuery),
    responses(
        (status = 200, body = HistoryAnswer),
        (status = 400, description = "A parameter is not valid"),
        (status = 422, description = "A parameter is out of bounds"),
    )
)]
pub(super) async fn budget_history(
    State(budget): State<Budget>,
    Query(query): Query<HistoryQuery>,
) -> Result<Answer<HistoryAnswer>, Problem> {
    let most_days = budget.limits.history_days;
    let days = within(
        "days",
        query.days.unwrap_or(USUAL_DAYS.min(most_days)),
        1,
        most_days,
    )?;
    let entries = query.entries.unwrap_or(USUAL_ENTRIES);
    let entries = within("entries", entries, 0, MOST_ENTRIES)?;
    let (days, entries) = budget.ledger.history(days, entries).await?;
    Ok(Answer(HistoryAnswer {
        ok: true,
        daily_limit: budget.limits.daily,
        days,
        entries,
    }))
}

#[utoipa::path(
    post, path = "/api/v1/budget/can-afford", tag = "budget",
    summary = "Tells whether an amount may be spent now",
    request_body = AffordRequest,
    responses(
        (status = 200, body = AffordAnswer),
        (status = 422, description = "A member is missing or makes no sense"),
    )
)]
pub(super) async fn can_afford(
    State(budget): State<Budget>,
    Json(request): Json<AffordRequest>,
) -> Result<Answer<AffordAnswer>, Problem> {
    let criticality = request
        .criticality
        .unwrap_or_else(|| budget.policies.current().criticality);
    let ceiling = budget.limits.shares.of(criticality, budget.limits.daily);
    let standing = budget.ledger.standing().await?;
    let mut limits = vec![(Bound::Daily, standing.available(ceiling))];
    if let Some(cohort) = &request.cohort {
        let (policy, _) = budget.cohorts.policy(cohort);
        let (today, _) = budget.ledger.cohort(cohort.as_str()).await?;
        let left = policy.daily_limit.saturating_sub(today.spent);
        limits.push((Bound::Workflow, policy.workflow_limit));
        limits.push((Bound::CohortDaily, left));
    }
    let passed = limits.iter().find(|(_, left)| request.cost > *left);
    let least = limits.iter().map(|(_, left)| *left).min();
    Ok(Answer(AffordAnswer {
        ok: true,
        affordable: passed.is_none(),
        cost: request.cost,
        limit: passed.map(|(limit, _)| *limit),
        available: least.unwrap_or_default(),
        criticality,
        cohort: request.cohort,
    }))
}

/// Reads where today's budget stands.
pub(super) async fn figures(budget: &Budget) -> Result<BudgetFigures, StoreError> {
    let standing = budget.ledger.standing().await?;
    let limits = budget.limits;
    let (expired_reservations, overruns) = budget.ledger.irregularities();
    let usable = Criticality::ALL.map(|criticality| {
        let limit = limits.shares.of(criticality, limits.daily);
        Usable {
            criticality,
            limit,
            available: standing.available(limit),
        }
    });
    Ok(BudgetFigures {
        date: standing.day,
        daily_limit: limits.daily,
        spent: standing.spent,
        reserved: standing.reserved,
        remaining: standing.available(limits.daily),
        resets_at: standing.day.end().into(),
        usable: usable.into(),
        expired_reservations,
        overruns,
    })
}

fn within(name: &str, number: u32, least: u32, most: u32) -> Result<u32, Problem> {
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(Problem::unprocessable(
        "invalid_field",
        format!("`{name}` is {number}, not between {least} and {most}"),
    ))
}

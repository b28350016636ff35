//! `GET /api/v1/budget/policy/{cohort}`, `/metrics/{cohort}` and `POST /record-workflow`: what
//! groups of users spend.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Json, Path, Problem};
use utoipa::ToSchema;

use super::Budget;
use crate::{
    cohort::CohortName,
    day::Moment,
    ledger::{Recorded, Workflow},
    money::Money,
};

/// The longest id of a workflow.
const MOST_ID: usize = 128;

/// What a cohort may spend.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CohortPolicyAnswer {
    ok: bool,
    cohort: CohortName,
    /// Whether the policy is the cohort's own, or the one of all that have none.
    source: PolicySource,
    /// Dollars a day, for all its workflows.
    daily_limit: Money,
    /// Dollars for one workflow.
    workflow_limit: Money,
    /// Dollars spent today.
    spent_today: Money,
    /// Dollars left for today.
    remaining_today: Money,
}

/// Where a policy comes from.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum PolicySource {
    Own,
    Default,
}

/// What a cohort has spent.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CohortMetrics {
    ok: bool,
    cohort: CohortName,
    /// Workflows recorded.
    workflows: u64,
    /// Those of them that failed.
    failed: u64,
    /// The share that succeeded; `null` before the first.
    success_rate: Option<f64>,
    /// Dollars spent.
    spent: Money,
    /// Dollars for a workflow, on average; `null` before the first.
    average_cost: Option<Money>,
    /// Dollars spent today.
    spent_today: Money,
    /// Workflows recorded today.
    workflows_today: u64,
    /// When the last one was recorded.
    last_workflow_at: Option<Moment>,
}

/// What a workflow has spent.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordRequest {
    /// Dollars.
    cost: Money,
    /// Who spent it; `default` unless given.
    #[serde(default, alias = "cohortId")]
    cohort: CohortName,
    /// An id of the caller's choice. The same one is booked once, as long as the ledger keeps its
    /// line: until `history_entries` newer lines, calls to providers included, have pushed it out.
    #[schema(min_length = 1, max_length = 128)]
    workflow_id: Option<String>,
    /// Whether the workflow reached its end; it did unless told otherwise.
    succeeded: Option<bool>,
}

/// What became of the record.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordAnswer {
    ok: bool,
    /// Whether it was booked now, and not before under the same id.
    recorded: bool,
    cohort: CohortName,
    workflow_id: Option<String>,
    cost: Money,
    /// Dollars that all have spent today.
    spent_today: Money,
    /// Dollars left of the daily limit.
    remaining_today: Money,
}

#[utoipa::path(
    get, path = "/api/v1/budget/policy/{cohort}", tag = "budget",
    summary = "Shows what a cohort may spend",
    params(("cohort" = CohortName, Path, description = "The cohort")),
    responses(
        (status = 200, body = CohortPolicyAnswer),
        (status = 400, description = "No cohort can have this name"),
    )
)]
pub(super) async fn cohort_policy(
    State(budget): State<Budget>,
    Path(cohort): Path<CohortName>,
) -> Result<Answer<CohortPolicyAnswer>, Problem> {
    let (policy, own) = budget.cohorts.policy(&cohort);
    let (today, _) = budget.ledger.cohort(cohort.as_str()).await?;
    Ok(Answer(CohortPolicyAnswer {
        ok: true,
        cohort,
        source: if own {
            PolicySource::Own
        } else {
            PolicySource::Default
        },
        daily_limit: policy.daily_limit,
        workflow_limit: policy.workflow_limit,
        spent_today: today.spent,
        remaining_today: policy.daily_limit.saturating_sub(today.spent),
    }))
}

#[utoipa::path(
    get, path = "/api/v1/budget/metrics/{cohort}", tag = "budget",
    summary = "Shows what a cohort has spent",
    params(("cohort" = CohortName, Path, description = "The cohort")),
    responses(
        (status = 200, body = CohortMetrics),
        (status = 400, description = "No cohort can have this name"),
    )
)]
pub(super) async fn cohort_metrics(
    State(budget): State<Budget>,
    Path(cohort): Path<CohortName>,
) -> Result<Answer<CohortMetrics>, Problem> {
    let (today, figures) = budget.ledger.cohort(cohort.as_str()).await?;
    let (workflows, failed) = figures.map_or((0, 0), |all| (all.workflows, all.failed));
    let spent = figures.map(|all| all.spent).unwrap_or_default();
    Ok(Answer(CohortMetrics {
        ok: true,
        cohort,
        workflows,
        failed,
        success_rate: share(workflows - failed, workflows),
        spent,
        average_cost: spent
            .micros()
            .checked_div(workflows)
            .map(Money::from_micros),
        spent_today: today.spent,
        workflows_today: today.count,
        last_workflow_at: figures.map(|all| all.last_time),
    }))
}

#[utoipa::path(
    post, path = "/api/v1/budget/record-workflow", tag = "budget",
    summary = "Books what a workflow has spent elsewhere, against the day and its cohort",
    request_body = RecordRequest,
    responses(
        (status = 200, body = RecordAnswer),
        (status = 409, description = "No more cohorts can be kept apart"),
        (status = 422, description = "A member is missing or makes no sense"),
    )
)]
pub(super) async fn record_workflow(
    State(budget): State<Budget>,
    Json(request): Json<RecordRequest>,
) -> Result<Answer<RecordAnswer>, Problem> {
    request.workflow_id.as_deref().map_or(Ok(()), check)?;
    let workflow = Workflow {
        id: request.workflow_id.clone(),
        cohort: request.cohort.to_string(),
        amount: request.cost,
        succeeded: request.succeeded.unwrap_or(true),
    };
    let recorded = budget.ledger.record(workflow).await?;
    if recorded == Recorded::TooManyCohorts {
        let detail = "`cohort` is new, and no more cohorts can be kept apart";
        return Err(Problem::conflict("too_many_cohorts", detail));
    }
    let standing = budget.ledger.standing().await?;
    Ok(Answer(RecordAnswer {
        ok: true,
        recorded: recorded == Recorded::Booked,
        cohort: request.cohort,
        workflow_id: request.workflow_id,
        cost: request.cost,
        spent_today: standing.spent,
        remaining_today: standing.available(budget.limits.daily),
    }))
}

fn check(workflow_id: &str) -> Result<(), Problem> {
    let length = workflow_id.len();
    if !(1..=MOST_ID).contains(&length) {
        let detail = format!("`workflowId` has {length} bytes, not between 1 and {MOST_ID}");
        return Err(Problem::unprocessable("invalid_field", detail));
    }
    if workflow_id.contains('\0') {
        // PostgreSQL has no texts with such.
        let detail = "`workflowId` has a NUL character";
        return Err(Problem::unprocessable("invalid_field", detail));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a share is for showing")]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

//! `GET /predict-plateau`: when progress will end.

use axum::extract::State;
use serde::Serialize;
use tooloo_service::{Answer, Problem, Query};
use utoipa::ToSchema;

use super::{Coverage, Meta, View, query::AnalysisQuery};
use crate::reading::{Judged, Outlook, Reading};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Predictions {
    coverage: Coverage,
    /// All topics together; left out where one topic was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    overall: Option<Predicted>,
    topics: Vec<Predicted>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Predicted {
    #[serde(flatten)]
    reading: Reading,
    #[serde(flatten)]
    outlook: Outlook,
}

#[utoipa::path(
    get, path = "/api/v4/meta-learning/predict-plateau", tag = "meta",
    summary = "When progress is expected to end, and whether in mastery or short of it",
    params(AnalysisQuery),
    responses(
        (status = 200, body = Predictions),
        (status = 400, description = "A parameter is not valid"),
        (status = 404, description = "No such topic"),
        (status = 502, description = "Training cannot be reached, or gives no usable answer"),
        (status = 504, description = "Training does not answer in time"),
    )
)]
pub(super) async fn predict_plateau(
    State(meta): State<Meta>,
    Query(query): Query<AnalysisQuery>,
) -> Result<Answer<Predictions>, Problem> {
    meta.answer(query.check()?, Predictions::of)
        .await
        .map(Answer)
}

impl Predictions {
    fn of(view: &View) -> Self {
        let predicted = |judged: &Judged<'_>| Predicted {
            reading: judged.reading(),
            outlook: judged.outlook(view.analysis.lens, view.learner.threshold, view.now),
        };
        Self {
            coverage: view.coverage.clone(),
            overall: view.overall().as_ref().map(predicted),
            topics: view.topics().iter().map(predicted).collect(),
        }
    }
}

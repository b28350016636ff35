//! `GET /detect-plateau`: who has stopped making progress.

use axum::extract::State;
use serde::Serialize;
use tooloo_service::{Answer, Problem, Query};
use utoipa::ToSchema;

use super::{Coverage, Meta, View, query::AnalysisQuery};
use crate::{
    reading::{Detection, Judged, Reading},
    trend::Status,
};

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Plateaus {
    coverage: Coverage,
    /// The ids of the topics at a plateau.
    plateaued: Vec<String>,
    /// All topics together; left out where one topic was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    overall: Option<Tested>,
    topics: Vec<Tested>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tested {
    #[serde(flatten)]
    reading: Reading,
    #[serde(flatten)]
    detection: Detection,
}

#[utoipa::path(
    get, path = "/api/v4/meta-learning/detect-plateau", tag = "meta",
    summary = "Which topics have stopped making progress, by the Mann–Kendall test",
    params(AnalysisQuery),
    responses(
        (status = 200, body = Plateaus),
        (status = 400, description = "A parameter is not valid"),
        (status = 404, description = "No such topic"),
        (status = 502, description = "Training cannot be reached, or gives no usable answer"),
        (status = 504, description = "Training does not answer in time"),
    )
)]
pub(super) async fn detect_plateau(
    State(meta): State<Meta>,
    Query(query): Query<AnalysisQuery>,
) -> Result<Answer<Plateaus>, Problem> {
    meta.answer(query.check()?, Plateaus::of).await.map(Answer)
}

impl Plateaus {
    fn of(view: &View) -> Self {
        let topics = view.topics();
        Self {
            coverage: view.coverage.clone(),
            plateaued: topics
                .iter()
                .filter(|judged| judged.status == Status::Plateau)
                .filter_map(|judged| judged.subject.id.clone())
                .collect(),
            overall: view.overall().as_ref().map(Tested::of),
            topics: topics.iter().map(Tested::of).collect(),
        }
    }
}

impl Tested {
    fn of(judged: &Judged<'_>) -> Self {
        Self {
            reading: judged.reading(),
            detection: judged.detection(),
        }
    }
}

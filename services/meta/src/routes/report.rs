//! `GET /report`: everything at once, counted up.

use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use tooloo_service::{Answer, Problem, Query};
use utoipa::ToSchema;

use super::{Coverage, Meta, View, query::AnalysisQuery};
use crate::{
    reading::{Detection, Judged, Outlook, Reading},
    trend::Status,
};

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    generated_at: Timestamp,
    coverage: Coverage,
    /// How many of the topics shown are where.
    counts: Counts,
    /// All topics together; left out where one topic was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    overall: Option<Entry>,
    topics: Vec<Entry>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct Counts {
    improving: usize,
    plateau: usize,
    declining: usize,
    mastered: usize,
    unknown: usize,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entry {
    #[serde(flatten)]
    reading: Reading,
    #[serde(flatten)]
    detection: Detection,
    outlook: Outlook,
}

#[utoipa::path(
    get, path = "/api/v4/meta-learning/report", tag = "meta",
    summary = "Velocity, plateau test and outlook of every topic",
    params(AnalysisQuery),
    responses(
        (status = 200, body = Report),
        (status = 400, description = "A parameter is not valid"),
        (status = 404, description = "No such topic"),
        (status = 502, description = "Training cannot be reached, or gives no usable answer"),
        (status = 504, description = "Training does not answer in time"),
    )
)]
pub(super) async fn report(
    State(meta): State<Meta>,
    Query(query): Query<AnalysisQuery>,
) -> Result<Answer<Report>, Problem> {
    meta.answer(query.check()?, Report::of).await.map(Answer)
}

impl Report {
    fn of(view: &View) -> Self {
        let entry = |judged: &Judged<'_>| Entry {
            reading: judged.reading(),
            detection: judged.detection(),
            outlook: judged.outlook(view.analysis.lens, view.learner.threshold, view.now),
        };
        let topics = view.topics();
        Self {
            generated_at: view.now,
            coverage: view.coverage.clone(),
            counts: Counts::of(topics.iter().map(|judged| judged.status)),
            overall: view.overall().as_ref().map(entry),
            topics: topics.iter().map(entry).collect(),
        }
    }
}

impl Counts {
    fn of(statuses: impl Iterator<Item = Status>) -> Self {
        let mut counts = Self::default();
        for status in statuses {
            *match status {
                Status::Improving => &mut counts.improving,
                Status::Plateau => &mut counts.plateau,
                Status::Declining => &mut counts.declining,
                Status::Mastered => &mut counts.mastered,
                Status::Unknown => &mut counts.unknown,
            } += 1;
        }
        counts
    }
}

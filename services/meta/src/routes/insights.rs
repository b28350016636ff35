//! `GET /insights`: velocity by topic, and what stands out.

use axum::extract::State;
use serde::Serialize;
use tooloo_service::{Answer, Problem, Query};
use utoipa::ToSchema;

use super::{Coverage, Meta, View, query::AnalysisQuery};
use crate::{
    forecast,
    reading::{Judged, Reading},
    trend::Status,
};

/// A topic this few rounds from mastery is worth finishing.
const CLOSE: f64 = 10.0;

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Insights {
    coverage: Coverage,
    /// What stands out, the most pressing first.
    #[serde(rename = "insights")]
    found: Vec<Insight>,
    /// All topics together; left out where one topic was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    overall: Option<Reading>,
    topics: Vec<Reading>,
}

/// One thing worth knowing.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub(super) struct Insight {
    kind: Kind,
    topic: Option<String>,
    message: String,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    /// Mastery is being lost.
    Declining,
    /// Practice no longer helps.
    Plateau,
    /// A few rounds more, and it is mastered.
    NearMastery,
    /// It grows faster than any other topic.
    Fastest,
    /// It was not practised within the rounds looked at.
    Untouched,
}

#[utoipa::path(
    get, path = "/api/v4/meta-learning/insights", tag = "meta",
    summary = "Learning velocity by topic, and what stands out",
    params(AnalysisQuery),
    responses(
        (status = 200, body = Insights),
        (status = 400, description = "A parameter is not valid"),
        (status = 404, description = "No such topic"),
        (status = 502, description = "Training cannot be reached, or gives no usable answer"),
        (status = 504, description = "Training does not answer in time"),
    )
)]
pub(super) async fn insights(
    State(meta): State<Meta>,
    Query(query): Query<AnalysisQuery>,
) -> Result<Answer<Insights>, Problem> {
    meta.answer(query.check()?, Insights::of).await.map(Answer)
}

impl Insights {
    fn of(view: &View) -> Self {
        let topics = view.topics();
        Self {
            coverage: view.coverage.clone(),
            found: what_stands_out(&topics, view.learner.threshold),
            overall: view.overall().map(|judged| judged.reading()),
            topics: topics.iter().map(Judged::reading).collect(),
        }
    }
}

fn what_stands_out(topics: &[Judged<'_>], threshold: f64) -> Vec<Insight> {
    let mut found: Vec<Insight> = topics
        .iter()
        .filter_map(|judged| notable(judged, threshold))
        .chain(fastest(topics))
        .collect();
    found.sort_by_key(|insight| insight.kind);
    found
}

fn notable(judged: &Judged<'_>, threshold: f64) -> Option<Insight> {
    let name = &judged.subject.name;
    let mastery = judged.subject.mastery?;
    let rounds = judged.points.len();
    let (kind, message) = match judged.status {
        Status::Declining => (
            Kind::Declining,
            format!("{name} has been falling over {rounds} rounds, to {mastery:.2}"),
        ),
        Status::Plateau => (
            Kind::Plateau,
            format!("{name} shows no trend over {rounds} rounds, at {mastery:.2}"),
        ),
        Status::Improving => {
            let until = forecast::mastery(&judged.series, &judged.trend.ok()?, threshold)?;
            if until.expected > CLOSE {
                return None;
            }
            let left = until.expected.ceil();
            (
                Kind::NearMastery,
                format!("{name} is about {left:.0} rounds from mastery"),
            )
        }
        Status::Unknown if rounds == 0 => (
            Kind::Untouched,
            format!("{name} was not practised in the rounds looked at"),
        ),
        Status::Unknown | Status::Mastered => return None,
    };
    Some(Insight {
        kind,
        topic: judged.subject.id.clone(),
        message,
    })
}

/// Names the topic that improves fastest, where there is one to compare it with.
fn fastest(topics: &[Judged<'_>]) -> Option<Insight> {
    let improving: Vec<_> = topics
        .iter()
        .filter(|judged| judged.status == Status::Improving)
        .filter_map(|judged| Some((judged, judged.velocity()?.per_round)))
        .collect();
    if improving.len() < 2 {
        return None;
    }
    let (judged, velocity) = improving.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Insight {
        kind: Kind::Fastest,
        topic: judged.subject.id.clone(),
        message: format!("{} gains {velocity:.3} a round", judged.subject.name),
    })
}

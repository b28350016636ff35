//! `GET /trajectory`: the course so far, its line, and where the line leads.

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tooloo_service::{Answer, Problem, Query};
use utoipa::{IntoParams, ToSchema};

use super::{
    Coverage, Meta, View,
    query::{AnalysisQuery, invalid},
};
use crate::{
    forecast::{self, Ahead},
    reading::{Judged, Reading},
    trend::Direction,
};

const USUAL_HORIZON: u16 = 20;
const MAX_HORIZON: u16 = 200;

// Spelled out beside `AnalysisQuery`: a query string cannot be flattened, its numbers are text.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct TrajectoryQuery {
    /// A topic's id or name; all of them where none is given.
    topic: Option<String>,
    /// How many of the newest rounds to look at: 8 to 500, 30 where none is given.
    #[param(minimum = 8, maximum = 500)]
    window: Option<usize>,
    /// The level of significance, and of the interval: 0.001 to 0.2, 0.05 where none is given.
    #[param(minimum = 0.001, maximum = 0.2)]
    alpha: Option<f64>,
    /// How many rounds to look ahead: 1 to 200, 20 where none is given.
    #[param(minimum = 1, maximum = 200)]
    horizon: Option<u16>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Trajectory {
    coverage: Coverage,
    #[serde(flatten)]
    reading: Reading,
    direction: Option<Direction>,
    points: Vec<Fitted>,
    /// `null` where there are too few rounds to tell.
    forecast: Option<Vec<Ahead>>,
}

/// The mastery after one round.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Fitted {
    /// The id of the round.
    round: i64,
    at: Timestamp,
    correct: bool,
    mastery: f64,
    /// The line's value there.
    line: Option<f64>,
}

#[utoipa::path(
    get, path = "/api/v4/meta-learning/trajectory", tag = "meta",
    summary = "Mastery round by round, the line through it, and a forecast with its interval",
    params(TrajectoryQuery),
    responses(
        (status = 200, body = Trajectory),
        (status = 400, description = "A parameter is not valid"),
        (status = 404, description = "No such topic"),
        (status = 502, description = "Training cannot be reached, or gives no usable answer"),
        (status = 504, description = "Training does not answer in time"),
    )
)]
pub(super) async fn trajectory(
    State(meta): State<Meta>,
    Query(query): Query<TrajectoryQuery>,
) -> Result<Answer<Trajectory>, Problem> {
    let horizon = query.horizon.unwrap_or(USUAL_HORIZON);
    if !(1..=MAX_HORIZON).contains(&horizon) {
        return Err(invalid(format!(
            "`horizon` must be from 1 to {MAX_HORIZON}, not {horizon}"
        )));
    }
    let analysis = AnalysisQuery::new(query.topic, query.window, query.alpha).check()?;
    meta.answer(analysis, move |view| Trajectory::of(view, horizon))
        .await
        .map(Answer)
}

impl Trajectory {
    fn of(view: &View, horizon: u16) -> Self {
        let lens = view.analysis.lens;
        let wanted = view.analysis.topic.as_deref();
        let subject = wanted.and_then(|wanted| view.learner.topic(wanted));
        let judged = Judged::new(subject.unwrap_or(&view.learner.overall), lens);
        let trend = judged.trend.ok();
        Self {
            coverage: view.coverage.clone(),
            reading: judged.reading(),
            direction: trend.map(|trend| trend.direction),
            points: (0..)
                .zip(judged.points)
                .map(|(index, point)| Fitted {
                    round: point.round,
                    at: point.at,
                    correct: point.correct,
                    mastery: point.mastery,
                    line: trend.map(|trend| trend.line.at(f64::from(index))),
                })
                .collect(),
            forecast: trend
                .map(|trend| forecast::ahead(&judged.series, &trend, lens.alpha, horizon)),
        }
    }
}

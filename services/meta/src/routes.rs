//! The HTTP interface.

mod detect;
mod insights;
mod predict;
mod query;
mod report;
mod trajectory;

use jiff::Timestamp;
use serde::Serialize;
use tooloo_service::Problem;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use self::query::{Analysis, unknown_topic};
use crate::{learner::Learner, reading::Judged, training::Training};

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Meta {
    training: Training,
}

/// What an answer was computed from.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Coverage {
    /// Rounds read from training, over all topics.
    rounds: usize,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    /// Whether older rounds were left out.
    truncated: bool,
    /// The newest rounds of each subject that count.
    window: usize,
    /// The level of significance.
    alpha: f64,
    mastery_threshold: f64,
}

/// The learner as an answer is about to show it.
struct View {
    learner: Learner,
    analysis: Analysis,
    coverage: Coverage,
    now: Timestamp,
}

/// Collects the routes.
pub(crate) fn router(meta: Meta) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(insights::insights))
        .routes(routes!(report::report))
        .routes(routes!(trajectory::trajectory))
        .routes(routes!(detect::detect_plateau))
        .routes(routes!(predict::predict_plateau))
        .with_state(meta)
}

impl Meta {
    pub(crate) fn new(training: Training) -> Self {
        Self { training }
    }

    /// Reads the history and computes an answer from it, off the runtime's threads.
    async fn answer<T, F>(&self, mut analysis: Analysis, compute: F) -> Result<T, Problem>
    where
        T: Send + 'static,
        F: FnOnce(&View) -> T + Send + 'static,
    {
        let record = self.training.record().await?;
        if let Some(wanted) = analysis.topic.take_if(|wanted| !record.has_topic(wanted)) {
            let id = self.training.topic_id(&wanted).await?;
            let id = id.filter(|id| record.has_topic(id));
            analysis.topic = Some(id.ok_or_else(|| unknown_topic(&wanted))?);
        }
        let now = now();
        let computed = tokio::task::spawn_blocking(move || {
            let lens = analysis.lens;
            let coverage = Coverage {
                rounds: record.rounds.len(),
                from: record.rounds.first().map(|round| round.at),
                to: record.rounds.last().map(|round| round.at),
                truncated: record.truncated,
                window: lens.window,
                alpha: lens.alpha,
                mastery_threshold: record.overview.mastery_threshold,
            };
            let learner = Learner::new(record.overview, &record.rounds);
            compute(&View {
                learner,
                analysis,
                coverage,
                now,
            })
        });
        computed
            .await
            .map_err(|_| Problem::internal("analysis_failed", "the analysis failed"))
    }
}

impl View {
    /// Judges all topics together, unless one was asked for.
    fn overall(&self) -> Option<Judged<'_>> {
        let all = self.analysis.topic.is_none();
        all.then(|| Judged::new(&self.learner.overall, self.analysis.lens))
    }

    /// Judges the topic that was asked for, or else each.
    fn topics(&self) -> Vec<Judged<'_>> {
        let wanted = self.analysis.topic.as_deref();
        let topics = match wanted.and_then(|wanted| self.learner.topic(wanted)) {
            Some(topic) => std::slice::from_ref(topic),
            None => &self.learner.topics,
        };
        topics
            .iter()
            .map(|topic| Judged::new(topic, self.analysis.lens))
            .collect()
    }
}

fn now() -> Timestamp {
    Timestamp::try_from(tooloo_clock::wall()).expect("the clock shows a year before 10000")
}

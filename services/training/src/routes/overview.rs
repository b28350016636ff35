//! `GET /overview`: every topic and the totals.

use axum::extract::State;
use serde::Serialize;
use tooloo_service::{Answer, Caching, Problem};
use utoipa::ToSchema;

use super::{Training, summary::TopicSummary};
use crate::{
    caching::Revision,
    progress::mean,
    state::fraction,
    store::topics::{self, Topic},
};

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    total_topics: usize,
    mastered_topics: usize,
    /// Over all topics.
    mean_mastery: Option<f64>,
    /// The mastery from which a topic counts as mastered.
    mastery_threshold: f64,
    total_rounds: u64,
    correct_rounds: u64,
    /// `null` before the first round.
    accuracy: Option<f64>,
    /// The topic with the least mastery.
    weakest: Option<TopicSummary>,
    /// In the order in which they were added.
    topics: Vec<TopicSummary>,
}

#[utoipa::path(
    get, path = "/api/v1/training/overview", tag = "training",
    summary = "Every topic's mastery, and the totals",
    responses((status = 200, body = Overview))
)]
pub(super) async fn overview(
    State(training): State<Training>,
) -> Result<(Caching, Answer<Overview>), Problem> {
    let mut tx = training.store.read().await?;
    let revision = Revision::read(&mut tx).await?;
    let topics = topics::all(&mut tx).await?;
    drop(tx);
    let overview = Overview::of(&topics, training.threshold());
    Ok(Answer(overview).cacheable(training.caching(revision)))
}

impl Overview {
    fn of(all: &[Topic], threshold: f64) -> Self {
        let summary = |topic| TopicSummary::new(topic, threshold);
        let mastery: Vec<f64> = all.iter().map(|topic| topic.state.mastery).collect();
        let total =
            |count: fn(&Topic) -> u32| all.iter().map(|topic| u64::from(count(topic))).sum();
        let total_rounds = total(|topic| topic.state.attempts);
        let correct_rounds = total(|topic| topic.state.correct);
        Self {
            total_topics: all.len(),
            mastered_topics: mastery
                .iter()
                .filter(|&&mastery| mastery >= threshold)
                .count(),
            mean_mastery: mean(&mastery),
            mastery_threshold: threshold,
            total_rounds,
            correct_rounds,
            accuracy: fraction(correct_rounds, total_rounds),
            weakest: all
                .iter()
                .min_by(|a, b| a.state.mastery.total_cmp(&b.state.mastery))
                .map(summary),
            topics: all.iter().map(summary).collect(),
        }
    }
}

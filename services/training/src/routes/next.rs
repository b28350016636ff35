//! `GET /api/v1/next-domain`: what to practise next, and why.

use axum::extract::State;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tooloo_service::{Answer, Caching, Problem};
use utoipa::ToSchema;

use super::{Training, no_topics, summary::TopicSummary};
use crate::{
    caching,
    next::{self, Choice, Purpose},
    store::topics::{self, Topic},
};

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NextDomain {
    topic: TopicSummary,
    purpose: Purpose,
    reason: String,
    /// What the topics were compared by.
    score: f64,
    /// 0 for just practised, near 1 for long ago, 1 for never.
    staleness: f64,
    predicted_correct: f64,
    /// Topics below the threshold.
    topics_to_master: usize,
}

#[utoipa::path(
    get, path = "/api/v1/next-domain", tag = "training",
    summary = "What to practise next, and why",
    responses((status = 200, body = NextDomain))
)]
pub(super) async fn next_domain(
    State(training): State<Training>,
) -> Result<(Caching, Answer<NextDomain>), Problem> {
    let now = database::now();
    let threshold = training.threshold();
    let topics = topics::now(&training.store).await?;
    let standings: Vec<_> = topics.iter().map(Topic::standing).collect();
    let choice = next::choose(&standings, threshold, now).ok_or_else(no_topics)?;
    let topic = &topics[choice.index];
    Ok(Answer(NextDomain {
        topic: TopicSummary::new(topic, threshold),
        purpose: choice.purpose,
        reason: reason(topic, choice, threshold, now),
        score: choice.score,
        staleness: choice.staleness,
        predicted_correct: topic.parameters.predict(topic.state.mastery),
        topics_to_master: standings
            .iter()
            .filter(|standing| standing.mastery < threshold)
            .count(),
    })
    .cacheable(caching::usual()))
}

fn reason(topic: &Topic, choice: Choice, threshold: f64, now: Timestamp) -> String {
    let practised = topic.state.last_practised.map_or_else(
        || "never practised".to_owned(),
        |then| format!("last practised {}", ago(now.duration_since(then))),
    );
    let mastery = topic.state.mastery;
    match choice.purpose {
        Purpose::Learn => format!("mastery {mastery:.2} of {threshold}, {practised}"),
        Purpose::Review => format!("every topic is mastered; this one was {practised}"),
    }
}

fn ago(waited: SignedDuration) -> String {
    let minutes = waited.as_mins().max(0);
    let (count, unit) = match minutes {
        0 => return "just now".to_owned(),
        1..60 => (minutes, "minute"),
        60..1_440 => (minutes / 60, "hour"),
        _ => (minutes / 1_440, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_how_long_ago_in_the_largest_unit() {
        for (seconds, text) in [
            (-90, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (7_199, "1 hour ago"),
            (7_200, "2 hours ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(SignedDuration::from_secs(seconds)), text);
        }
    }
}

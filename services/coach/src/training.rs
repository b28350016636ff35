//! Training, as the coach calls it.

use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use tooloo_service::{Peer, PeerError};

/// The service that knows the topics and takes the rounds.
#[derive(Clone, Debug)]
pub(crate) struct Training {
    peer: Peer,
}

/// A topic's standing.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Topic {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) mastery: f64,
}

/// What a round did to its topic.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Played {
    pub(crate) round: Round,
    /// How likely the next answer is right.
    pub(crate) predicted_correct: f64,
}

/// A round as training took it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Round {
    pub(crate) mastery_before: f64,
    pub(crate) mastery: f64,
}

#[derive(Deserialize)]
struct Overview {
    topics: Vec<Topic>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeepDive {
    predicted_correct: f64,
}

#[derive(Deserialize)]
struct Named {
    topic: Topic,
}

#[derive(Serialize)]
struct NewRound<'a> {
    topic: &'a str,
    correct: bool,
}

impl Training {
    pub(crate) fn new(peer: Peer) -> Self {
        Self { peer }
    }

    /// Returns all topics, the weakest first.
    pub(crate) async fn weakest_first(&self) -> Result<Vec<Topic>, PeerError> {
        let overview: Overview = self.peer.get("/api/v1/training/overview").await?;
        let mut topics = overview.topics;
        topics.sort_by(|a, b| a.mastery.total_cmp(&b.mastery));
        Ok(topics)
    }

    /// Returns how likely the next answer on a topic is right.
    pub(crate) async fn chance(&self, topic: &str) -> Result<f64, PeerError> {
        let dive: DeepDive = self.peer.get(&deep_dive(topic)).await?;
        Ok(dive.predicted_correct)
    }

    /// Finds the topic that `spelling` names, as training reads it.
    pub(crate) async fn named(&self, spelling: &str) -> Result<Option<Topic>, PeerError> {
        match self.peer.get::<Named>(&deep_dive(spelling)).await {
            Ok(named) => Ok(Some(named.topic)),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reports one answer.
    pub(crate) async fn play(&self, topic: &str, correct: bool) -> Result<Played, PeerError> {
        let round = NewRound { topic, correct };
        self.peer.post("/api/v1/training/round", &round).await
    }
}

fn deep_dive(topic: &str) -> String {
    let segment = utf8_percent_encode(topic, NON_ALPHANUMERIC);
    format!("/api/v1/training/deep-dive/{segment}")
}

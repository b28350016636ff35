//! Training, as the coach calls it.

use std::fmt::Write;

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
        let path = format!("/api/v1/training/deep-dive/{}", path_segment(topic));
        let dive: DeepDive = self.peer.get(&path).await?;
        Ok(dive.predicted_correct)
    }

    /// Reports one answer.
    pub(crate) async fn play(&self, topic: &str, correct: bool) -> Result<Played, PeerError> {
        let round = NewRound { topic, correct };
        self.peer.post("/api/v1/training/round", &round).await
    }
}

/// Writes a text so that it is one segment of a path (RFC 3986 §2).
fn path_segment(text: &str) -> String {
    text.bytes()
        .fold(String::with_capacity(text.len()), |mut path, byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                path.push(byte.into());
            } else {
                // Writing to a string cannot fail.
                let _ = write!(path, "%{byte:02X}");
            }
            path
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_stays_one_segment() {
        assert_eq!(path_segment("graph-theory"), "graph-theory");
        assert_eq!(path_segment("a/b?c ü"), "a%2Fb%3Fc%20%C3%BC");
    }
}

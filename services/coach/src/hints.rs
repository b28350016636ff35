//! Hints from a model provider, which practice can do without.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use tooloo_service::{Peer, PeerError};

/// How long budget may give the same hint again.
const TTL_SECONDS: u32 = 3_600;

/// The service that asks model providers, within the budget.
#[derive(Clone, Debug)]
pub(crate) struct Hints {
    peer: Peer,
    timeout: Duration,
}

/// Why there is no hint.
#[derive(Debug)]
pub(crate) enum NoHint {
    TimedOut(Duration),
    Refused(PeerError),
    Empty,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Burst<'a> {
    prompt: &'a str,
    ttl_seconds: u32,
    criticality: &'a str,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

impl Hints {
    pub(crate) fn new(peer: Peer, timeout: Duration) -> Self {
        Self { peer, timeout }
    }

    /// Asks for a hint on a topic; budget refuses it where it cannot be afforded.
    pub(crate) async fn on(&self, topic: &str) -> Result<String, NoHint> {
        let prompt = format!("Give one short hint for practising this topic: {topic}");
        let burst = Burst {
            prompt: &prompt,
            ttl_seconds: TTL_SECONDS,
            criticality: "low",
        };
        let asked = self.peer.post("/api/v1/providers/burst", &burst);
        let answer: Answer = tokio::time::timeout(self.timeout, asked)
            .await
            .map_err(|_| NoHint::TimedOut(self.timeout))?
            .map_err(NoHint::Refused)?;
        if answer.text.trim().is_empty() {
            return Err(NoHint::Empty);
        }
        Ok(answer.text)
    }
}

impl fmt::Display for NoHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut(wait) => write!(f, "no hint within {wait:?}"),
            Self::Refused(error) => write!(f, "no hint: {error}"),
            Self::Empty => f.write_str("the hint was empty"),
        }
    }
}

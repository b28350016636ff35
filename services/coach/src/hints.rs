//! Hints from a model provider, which practice can do without.

use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tooloo_clock::Instant;
use tooloo_service::{Peer, PeerError};

use crate::{CoachConfig, training::Topic};

/// How long a hint is given again, here and by budget.
const TTL_SECONDS: u32 = 3_600;
const TTL: Duration = Duration::from_secs(TTL_SECONDS as u64);

/// The service that asks model providers, within the budget, and what it said last on each topic.
#[derive(Debug)]
pub(crate) struct Hints {
    peer: Peer,
    said: Mutex<Said>,
}

/// A hint on a topic.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hint {
    pub(crate) text: String,
    /// Whether a provider was asked for it just now.
    pub(crate) is_new: bool,
}

/// The last hint on each topic, by the topic's id, for as long as it is good.
#[derive(Debug)]
struct Said {
    hints: HashMap<String, (Instant, String)>,
    capacity: usize,
}

/// Why there is no hint.
#[derive(Debug)]
pub(crate) enum NoHint {
    Failed(PeerError),
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
    pub(crate) fn new(peer: Peer, config: &CoachConfig) -> Self {
        Self {
            peer: peer.with_timeout(config.hint_timeout),
            said: Mutex::new(Said::new(config.hints_kept.get())),
        }
    }

    /// Returns the hint on a topic that is still good, or asks for one; budget refuses it where it
    /// cannot be afforded.
    pub(crate) async fn on(&self, topic: &Topic) -> Result<Hint, NoHint> {
        let said = self.said().on(&topic.id, tooloo_clock::now());
        if let Some(text) = said {
            return Ok(Hint {
                text,
                is_new: false,
            });
        }
        let text = self.ask(&topic.name).await?;
        self.said()
            .keep(&topic.id, text.clone(), tooloo_clock::now());
        Ok(Hint { text, is_new: true })
    }

    async fn ask(&self, topic: &str) -> Result<String, NoHint> {
        let prompt = format!("Give one short hint for practising this topic: {topic}");
        let burst = Burst {
            prompt: &prompt,
            ttl_seconds: TTL_SECONDS,
            criticality: "low",
        };
        let asked = self.peer.post("/api/v1/providers/burst", &burst);
        let answer: Answer = asked.await.map_err(NoHint::Failed)?;
        if answer.text.trim().is_empty() {
            return Err(NoHint::Empty);
        }
        Ok(answer.text)
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Said {
    fn new(capacity: usize) -> Self {
        Self {
            hints: HashMap::new(),
            capacity,
        }
    }

    fn on(&self, topic: &str, now: Instant) -> Option<String> {
        let (said, text) = self.hints.get(topic)?;
        (now.duration_since(*said) < TTL).then(|| text.clone())
    }

    fn keep(&mut self, topic: &str, text: String, now: Instant) {
        self.hints.insert(topic.to_owned(), (now, text));
        if self.hints.len() > self.capacity {
            let oldest = self.hints.iter().min_by_key(|(_, (said, _))| *said);
            let oldest = oldest.map(|(topic, _)| topic.clone());
            oldest.and_then(|topic| self.hints.remove(&topic));
        }
    }
}

impl fmt::Display for NoHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => write!(f, "no hint: {error}"),
            Self::Empty => f.write_str("the hint was empty"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_hint_is_good_for_its_time() {
        let mut said = Said::new(2);
        let now = tooloo_clock::now();
        said.keep("a", "first".to_owned(), now);
        assert_eq!(said.on("a", now), Some("first".to_owned()));
        assert_eq!(said.on("b", now), None);
        assert_eq!(said.on("a", now + TTL), None);
        said.keep("a", "second".to_owned(), now + TTL);
        assert_eq!(said.on("a", now + TTL), Some("second".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn forgets_the_oldest_hint_first() {
        let mut said = Said::new(2);
        let now = tooloo_clock::now();
        for (second, topic) in (0..).zip(["a", "b", "a", "c"]) {
            said.keep(topic, topic.to_owned(), now + Duration::from_secs(second));
        }
        let known = ["a", "b", "c"].map(|topic| said.on(topic, now + TTL / 2).is_some());
        assert_eq!(known, [true, false, true]);
    }
}

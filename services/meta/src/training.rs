//! Reads training's topics and history over HTTP.

use http::StatusCode;
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use tooloo_service::{Peer, Problem};

/// The rounds on one page; training allows no more.
const PAGE: usize = 1_000;

/// Training's overview, as far as it matters here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Overview {
    pub(crate) mastery_threshold: f64,
    pub(crate) topics: Vec<Topic>,
}

/// A topic's present standing.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Topic {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) mastery: f64,
}

/// One answered question.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Round {
    pub(crate) id: i64,
    pub(crate) topic: String,
    pub(crate) correct: bool,
    pub(crate) mastery_before: f64,
    pub(crate) mastery: f64,
    pub(crate) at: Timestamp,
}

#[derive(Debug, Deserialize)]
struct Page {
    rounds: Vec<Round>,
    next: Option<i64>,
    newest: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct DeepDive {
    topic: Topic,
}

/// What training knows, up to a bound.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) overview: Overview,
    /// In order; the newest ones where there are more than the bound.
    pub(crate) rounds: Vec<Round>,
    /// Whether older rounds were left out.
    pub(crate) truncated: bool,
}

/// Training, as this service sees it.
#[derive(Clone, Debug)]
pub(crate) struct Training {
    peer: Peer,
    max_rounds: usize,
}

impl Training {
    /// Reads from `peer`, and never more than `max_rounds` rounds at once.
    pub(crate) fn new(peer: Peer, max_rounds: usize) -> Self {
        Self { peer, max_rounds }
    }

    /// Gathers the newest rounds, page by page, and then the topics that they may name.
    ///
    /// # Errors
    ///
    /// Returns a [`Problem`] that names training where it does not answer, or not usably.
    pub(crate) async fn record(&self) -> Result<Record, Problem> {
        let newest = self.page(0, 1).await?.newest.unwrap_or(0);
        // Ids count up without gaps, so this is where the newest rounds begin.
        let bound = i64::try_from(self.max_rounds).unwrap_or(i64::MAX);
        let mut since = newest.saturating_sub(bound).max(0);
        let truncated = since > 0;
        let mut rounds = Vec::new();
        while rounds.len() < self.max_rounds {
            let left = self.max_rounds - rounds.len();
            let page = self.page(since, left.min(PAGE)).await?;
            rounds.extend(page.rounds);
            match page.next {
                // A page that leads back would be followed for ever.
                Some(next) if next <= since => return Err(nonsense("a page that leads back")),
                Some(next) => since = next,
                None => break,
            }
        }
        rounds.truncate(self.max_rounds);
        let overview: Overview = self.peer.get("/api/v1/training/overview").await?;
        Record {
            overview,
            rounds,
            truncated,
        }
        .checked()
    }

    /// Finds the id of the topic that `spelling` names, as training reads it.
    pub(crate) async fn topic_id(&self, spelling: &str) -> Result<Option<String>, Problem> {
        let segment = utf8_percent_encode(spelling, NON_ALPHANUMERIC);
        let path = format!("/api/v1/training/deep-dive/{segment}");
        match self.peer.get::<DeepDive>(&path).await {
            Ok(dive) => Ok(Some(dive.topic.id)),
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn page(&self, since: i64, limit: usize) -> Result<Page, Problem> {
        let path = format!("/api/v1/training/history?since={since}&limit={limit}");
        Ok(self.peer.get(&path).await?)
    }
}

impl Record {
    /// Says whether there is a topic with this id.
    pub(crate) fn has_topic(&self, id: &str) -> bool {
        self.overview.topics.iter().any(|topic| topic.id == id)
    }

    /// Trusts no mastery that is not a probability: everything here is computed from them.
    fn checked(self) -> Result<Self, Problem> {
        let topics = self.overview.topics.iter().map(|topic| topic.mastery);
        let rounds = self
            .rounds
            .iter()
            .flat_map(|round| [round.mastery_before, round.mastery]);
        if topics
            .chain(rounds)
            .all(|mastery| (0.0..=1.0).contains(&mastery))
        {
            Ok(self)
        } else {
            Err(nonsense("a mastery that is not between 0 and 1"))
        }
    }
}

fn nonsense(what: &str) -> Problem {
    Problem::bad_gateway("peer_unusable", format!("training answered with {what}"))
}

//! What caches may do with answers about training.

use std::{fmt, time::Duration};

use database::{StoreError, Transaction};
use tooloo_service::{Caching, MadeOld};

/// The tag and the group of all that rounds, sessions and topics make old.
const TRAINING: &str = "training";

/// How long the fleet's caches give an answer without asking.
///
/// What they pass on makes it old at once; rounds that the coach plays with this service do not pass them.
const IN_FLEET: Duration = Duration::from_secs(2);

/// Says that a round, a session or a topic was added.
pub(crate) const CHANGED: MadeOld = MadeOld(&[TRAINING]);

/// The state of what is kept, as far as topics and their rounds go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Revision {
    rounds: i64,
    topics: i64,
}

/// Names the states of one process, whose settings and database are one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Epoch(u64);

impl Revision {
    /// Reads it. What is read after it may be newer, never older.
    pub(crate) async fn read(tx: &mut Transaction) -> Result<Self, StoreError> {
        // Rounds and topics are added, and never changed or removed.
        let sql = "SELECT (SELECT coalesce(max(id), 0) FROM rounds) AS rounds,
                          (SELECT count(*) FROM topics) AS topics";
        let row = tx.query_one(sql).await?;
        Ok(Self {
            rounds: row.get("rounds")?,
            topics: row.get("topics")?,
        })
    }
}

impl Epoch {
    pub(crate) fn new() -> Self {
        Self(fastrand::u64(..))
    }

    /// Names an answer that follows from `revision` alone.
    pub(crate) fn etag(self, revision: Revision) -> impl fmt::Display {
        let (Self(epoch), Revision { rounds, topics }) = (self, revision);
        format!("{epoch:016x}.{rounds}.{topics}")
    }
}

/// Returns what holds for every answer: others ask each time.
pub(crate) fn usual() -> Caching {
    Caching::validated()
        .in_fleet_for(IN_FLEET)
        .with_tag(TRAINING)
        .with_group(TRAINING)
}

//! What a pool shows of itself.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use prometheus_client::encoding::DescriptorEncoder;
use serde::Serialize;
use tooloo_hub::Observe;

use crate::{
    encode,
    figures::{CloseReason, Histogram, Standing},
    state::Leak,
};

/// A read-only view of a pool.
///
/// Clones show the same pool, and keep its connections open as it does itself.
#[derive(Clone)]
pub struct PoolHandle {
    pool: Arc<dyn View>,
}

/// What a handle needs of a pool, whatever its connections are.
pub(crate) trait View: Send + Sync {
    fn standing(&self) -> Standing;

    fn waits(&self) -> Histogram;

    fn timeouts(&self) -> u64;

    fn leaks(&self) -> Vec<Leak>;
}

/// The figures of a pool.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PoolSnapshot {
    /// Connections there are: idle, in use, and being checked or reset.
    pub size: usize,
    /// Those that nobody uses.
    pub idle: usize,
    /// Those that are lent.
    pub in_use: usize,
    /// Those that the pool itself checks or resets.
    pub mending: usize,
    /// Callers that wait.
    pub waiting: usize,
    /// Connections that are being made.
    pub connecting: usize,
    /// Connections that are being closed; they no longer count as the pool's.
    pub closing: usize,
    /// The least number of connections.
    pub min: usize,
    /// The most connections.
    pub max: usize,
    /// The part of the most connections that is in use.
    pub utilization: f64,
    /// Leases that were granted.
    pub acquired: u64,
    /// Callers whose deadline passed.
    pub timeouts: u64,
    /// Callers that were refused for another reason.
    pub refused: u64,
    /// Connections that were made.
    pub created: u64,
    /// Attempts to connect that failed.
    pub connect_failures: u64,
    /// Attempts to connect that were given up, since nobody waited for them any more.
    pub connects_elided: u64,
    /// Connections that the pool parted with, by reason; reasons that never occurred are left out.
    pub closed: BTreeMap<&'static str, u64>,
    /// Connections that came back with something left behind.
    pub dirty: u64,
    /// Leases that were reported as too long.
    pub leaks: u64,
    /// Callers that waited while their task held another connection.
    pub nested: u64,
    /// The wait in milliseconds that half of the leases stayed below.
    pub acquire_p50: Option<f64>,
    /// The wait in milliseconds that all but a hundredth of the leases stayed below.
    pub acquire_p99: Option<f64>,
}

impl PoolHandle {
    pub(crate) fn new(pool: Arc<dyn View>) -> Self {
        Self { pool }
    }

    /// Returns the leases that last longer than [`Times::leak`](crate::Times::leak), now.
    pub fn leaks(&self) -> Vec<Leak> {
        self.pool.leaks()
    }
}

impl Observe for PoolHandle {
    type Snapshot = PoolSnapshot;

    fn snapshot(&self) -> PoolSnapshot {
        PoolSnapshot::of(&*self.pool)
    }

    fn encode(&self, metrics: DescriptorEncoder<'_>) -> fmt::Result {
        encode::metrics(&self.snapshot(), &self.pool.waits(), metrics)
    }
}

impl fmt::Debug for PoolHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PoolHandle")
            .field(&self.pool.standing())
            .finish()
    }
}

impl PoolSnapshot {
    fn of(pool: &dyn View) -> Self {
        let standing = pool.standing();
        let tally = standing.tally;
        let waits = pool.waits();
        let quantile = |part| waits.quantile(part, tally.at_once).map(milliseconds);
        let closed = CloseReason::ALL.map(|reason| (reason.as_str(), tally.closed(reason)));
        #[expect(clippy::cast_precision_loss, reason = "numbers of connections")]
        let utilization = standing.in_use as f64 / standing.max as f64;
        Self {
            size: standing.size,
            idle: standing.idle,
            in_use: standing.in_use,
            mending: standing.mending,
            waiting: standing.waiting,
            connecting: standing.connecting,
            closing: standing.closing,
            min: standing.min,
            max: standing.max,
            utilization,
            acquired: tally.at_once + waits.count(),
            timeouts: pool.timeouts(),
            refused: tally.refused,
            created: tally.created,
            connect_failures: tally.failed,
            connects_elided: tally.elided,
            closed: closed.into_iter().filter(|(_, count)| *count > 0).collect(),
            dirty: tally.dirty,
            leaks: tally.leaks,
            nested: tally.nested,
            acquire_p50: quantile(0.5),
            acquire_p99: quantile(0.99),
        }
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

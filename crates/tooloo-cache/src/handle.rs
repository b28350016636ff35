//! A read-only view.

use std::{fmt, sync::Arc};

use prometheus_client::encoding::DescriptorEncoder;
use serde::Serialize;
use tooloo_hub::Observe;

use crate::{CacheKey, Place, TierFigures, figures::Event, inner::Inner};

/// Reads a cache's figures after it has been moved into a stack.
#[derive(Clone)]
pub struct CacheHandle {
    cache: Arc<dyn Figure>,
}

/// What a cache holds and has done so far.
///
/// Counts are since it was made, and times are means in milliseconds, of some of the lookups and writes. What
/// cannot be known yet is `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CacheSnapshot {
    /// Lookups that found an entry to serve, in any tier.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
    /// The part of the lookups that found one.
    pub hit_rate: Option<f64>,
    /// Lookups.
    pub reads: u64,
    /// Entries stored.
    pub writes: u64,
    /// Entries that left the memory to make room.
    pub evictions: u64,
    /// Lookups that found no entry and waited for another's fill.
    pub coalesced: u64,
    /// Hits that were served stale.
    pub stale: u64,
    /// Entries that were not stored because of their tags.
    pub unstorable: u64,
    /// How long a lookup in memory takes.
    pub avg_read_time: Option<f64>,
    /// How long the caller of a write waits.
    pub avg_write_time: Option<f64>,
    /// Each tier's own.
    pub tiers: TiersSnapshot,
}

/// What the tiers of a cache hold and have done.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TiersSnapshot {
    /// The memory.
    pub memory: TierFigures,
    /// This machine's disk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk: Option<TierFigures>,
    /// Another machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remote: Option<TierFigures>,
}

/// A cache of any keys and values, as far as its figures go.
trait Figure: Send + Sync {
    fn snapshot(&self) -> CacheSnapshot;
}

impl CacheHandle {
    pub(crate) fn new<K: CacheKey, V: Send + Sync + 'static>(cache: Arc<Inner<K, V>>) -> Self {
        Self { cache }
    }
}

impl Observe for CacheHandle {
    type Snapshot = CacheSnapshot;

    fn snapshot(&self) -> CacheSnapshot {
        self.cache.snapshot()
    }

    fn encode(&self, metrics: DescriptorEncoder<'_>) -> fmt::Result {
        crate::encode::metrics(&self.cache.snapshot(), metrics)
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> Figure for Inner<K, V> {
    fn snapshot(&self) -> CacheSnapshot {
        let figures = &self.figures;
        let memory_hits = figures.sum(Event::MemoryHit);
        let hits = memory_hits + figures.sum(Event::LowerHit);
        let misses = figures.sum(Event::Miss);
        let below = |place| {
            let tier = self.tiers.iter().find(|tier| tier.place() == place);
            tier.map(|tier| tier.figures())
        };
        let memory = TierFigures {
            entries: Some(self.memory.len()),
            bytes: Some(self.memory.bytes()),
            hits: memory_hits,
            misses: figures.sum(Event::MemoryMiss),
            ..TierFigures::default()
        };
        CacheSnapshot {
            hits,
            misses,
            hit_rate: part(hits, hits + misses),
            reads: hits + misses,
            writes: figures.sum(Event::Write),
            evictions: figures.evictions(),
            coalesced: figures.sum(Event::Coalesced),
            stale: figures.sum(Event::Stale),
            unstorable: figures.sum(Event::Unstorable),
            avg_read_time: figures.mean_read(),
            avg_write_time: figures.mean_write(),
            tiers: TiersSnapshot {
                memory,
                disk: below(Place::Disk),
                remote: below(Place::Remote),
            },
        }
    }
}

impl fmt::Debug for CacheHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheHandle").finish_non_exhaustive()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a part is shown, not counted with"
)]
fn part(hits: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| hits as f64 / of as f64)
}

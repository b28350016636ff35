//! A cache's metrics.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::{CacheSnapshot, TierFigures};

type Count<T> = (&'static str, &'static str, fn(&T) -> u64);
type Tiered = (
    &'static str,
    &'static str,
    MetricType,
    fn(&TierFigures) -> Option<u64>,
);

const COUNTS: [Count<CacheSnapshot>; 7] = [
    (
        "cache_hits",
        "Lookups that found an entry to serve",
        |cache| cache.hits,
    ),
    ("cache_misses", "Lookups that found none", |cache| {
        cache.misses
    }),
    ("cache_writes", "Entries stored", |cache| cache.writes),
    (
        "cache_evictions",
        "Entries that left the memory to make room",
        |cache| cache.evictions,
    ),
    (
        "cache_coalesced",
        "Misses that waited for another's fill",
        |cache| cache.coalesced,
    ),
    ("cache_stale", "Hits that were served stale", |cache| {
        cache.stale
    }),
    (
        "cache_unstorable",
        "Entries not stored because of their tags",
        |cache| cache.unstorable,
    ),
];

const TIERED: [Tiered; 7] = [
    (
        "cache_tier_hits",
        "Lookups that a tier answered",
        MetricType::Counter,
        |tier| Some(tier.hits),
    ),
    (
        "cache_tier_misses",
        "Lookups that a tier did not",
        MetricType::Counter,
        |tier| Some(tier.misses),
    ),
    (
        "cache_tier_errors",
        "Entries that could not be read or written",
        MetricType::Counter,
        |tier| tier.errors,
    ),
    (
        "cache_tier_shed",
        "Writes dropped as the queue was full",
        MetricType::Counter,
        |tier| tier.shed,
    ),
    (
        "cache_tier_entries",
        "Entries in a tier",
        MetricType::Gauge,
        |tier| tier.entries,
    ),
    (
        "cache_tier_bytes",
        "Bytes of values in a tier",
        MetricType::Gauge,
        |tier| tier.bytes,
    ),
    (
        "cache_tier_compressed_bytes",
        "Bytes they take",
        MetricType::Gauge,
        |tier| tier.compressed_bytes,
    ),
];

/// Writes the metrics of one cache.
pub(crate) fn metrics(cache: &CacheSnapshot, mut metrics: DescriptorEncoder<'_>) -> fmt::Result {
    for (name, help, count) in COUNTS {
        let encoder = metrics.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(count(cache)).encode(encoder)?;
    }
    let tiers = [
        ("memory", Some(&cache.tiers.memory)),
        ("disk", cache.tiers.disk.as_ref()),
        ("remote", cache.tiers.remote.as_ref()),
    ];
    for (name, help, kind, read) in TIERED {
        let mut encoder = metrics.encode_descriptor(name, help, None, kind)?;
        for (tier, figures) in tiers {
            let Some(value) = figures.and_then(read) else {
                continue;
            };
            let labels = [("tier", tier)];
            let encoder = encoder.encode_family(&labels)?;
            match kind {
                MetricType::Counter => ConstCounter::new(value).encode(encoder)?,
                _ => ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX)).encode(encoder)?,
            }
        }
    }
    Ok(())
}

//! The metrics of a database's queries.

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter},
    registry::Unit,
};

use crate::monitor::Monitor;

/// The upper bounds of the histogram of times.
const BOUNDS: [f64; 12] = [
    0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0,
];

/// Writes the metrics of one database.
pub(super) fn metrics(monitor: &Monitor, mut metrics: DescriptorEncoder<'_>) -> fmt::Result {
    let [batched, deduplicated, saved, slow] = monitor.counts.read();
    let counters = [
        (
            "queries_batched",
            "Queries answered by a statement for several, or committed together",
            batched,
        ),
        (
            "queries_deduplicated",
            "Queries answered by the same query of somebody else",
            deduplicated,
        ),
        (
            "queries_saved",
            "Statements that did not have to be sent",
            saved,
        ),
        (
            "queries_slow",
            "Statements that took longer than they should",
            slow,
        ),
    ];
    for (name, help, count) in counters {
        let encoder = metrics.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(count).encode(encoder)?;
    }
    let (name, help) = ("query_duration", "How long statements took");
    let unit = Unit::Seconds;
    let mut family = metrics.encode_descriptor(name, help, Some(&unit), MetricType::Histogram)?;
    // Times may be recorded meanwhile: each count is at least the one before, and the last one is the whole.
    let mut below = 0;
    let mut buckets: Vec<(f64, u64)> = Vec::with_capacity(BOUNDS.len() + 1);
    for bound in BOUNDS {
        let up_to = monitor
            .all
            .at_most(Duration::from_secs_f64(bound))
            .max(below);
        buckets.push((bound, up_to - below));
        below = up_to;
    }
    let count = monitor.all.count().max(below);
    buckets.push((f64::MAX, count - below));
    let sum = monitor.all.sum().as_secs_f64();
    family.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
}

//! The metrics of a pool.

use std::{fmt, time::Duration};

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use crate::{
    PoolSnapshot,
    figures::{CloseReason, Histogram},
};

/// The upper bounds of the histogram of waits.
const BOUNDS: [f64; 12] = [
    0.000_1, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 5.0,
];

/// A family of one series: its name, its help, and its figure.
type Family = (&'static str, &'static str, fn(&PoolSnapshot) -> u64);

const GAUGES: [Family; 6] = [
    ("pool_connections_max", "The most connections", |pool| {
        pool.max as u64
    }),
    ("pool_connections_min", "The least connections", |pool| {
        pool.min as u64
    }),
    (
        "pool_waiting",
        "Callers that wait for a connection",
        |pool| pool.waiting as u64,
    ),
    (
        "pool_connecting",
        "Connections that are being made",
        |pool| pool.connecting as u64,
    ),
    (
        "pool_closing",
        "Connections that are being closed",
        |pool| pool.closing as u64,
    ),
    ("pool_connections", "Connections there are", |pool| {
        pool.size as u64
    }),
];

const COUNTERS: [Family; 9] = [
    ("pool_leases", "Leases that were granted", |pool| {
        pool.acquired
    }),
    ("pool_timeouts", "Callers whose deadline passed", |pool| {
        pool.timeouts
    }),
    (
        "pool_refused",
        "Callers refused for another reason",
        |pool| pool.refused,
    ),
    ("pool_created", "Connections that were made", |pool| {
        pool.created
    }),
    (
        "pool_connect_failures",
        "Attempts to connect that failed",
        |pool| pool.connect_failures,
    ),
    (
        "pool_connects_elided",
        "Attempts to connect that nobody wanted any more",
        |pool| pool.connects_elided,
    ),
    (
        "pool_dirty",
        "Connections that came back with something left behind",
        |pool| pool.dirty,
    ),
    ("pool_leaks", "Leases reported as too long", |pool| {
        pool.leaks
    }),
    (
        "pool_nested",
        "Callers that waited while their task held another connection",
        |pool| pool.nested,
    ),
];

/// Writes the metrics of one pool.
pub(crate) fn metrics(
    pool: &PoolSnapshot,
    waits: &Histogram,
    mut metrics: DescriptorEncoder<'_>,
) -> fmt::Result {
    for (name, help, figure) in GAUGES {
        let encoder = metrics.encode_descriptor(name, help, None, MetricType::Gauge)?;
        gauge(figure(pool)).encode(encoder)?;
    }
    for (name, help, figure) in COUNTERS {
        let encoder = metrics.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(figure(pool)).encode(encoder)?;
    }
    states(pool, &mut metrics)?;
    closed(pool, &mut metrics)?;
    histogram(pool, waits, &mut metrics)
}

fn states(pool: &PoolSnapshot, metrics: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Connections by what they are doing";
    let kind = MetricType::Gauge;
    let mut family = metrics.encode_descriptor("pool_connections_by_state", help, None, kind)?;
    let states = [
        ("idle", pool.idle),
        ("in_use", pool.in_use),
        ("mending", pool.mending),
    ];
    for (state, count) in states {
        let labels = [("state", state)];
        gauge(count as u64).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn closed(pool: &PoolSnapshot, metrics: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Connections the pool parted with, by reason";
    let mut family = metrics.encode_descriptor("pool_closed", help, None, MetricType::Counter)?;
    for reason in CloseReason::ALL.map(CloseReason::as_str) {
        let count = pool.closed.get(reason).copied().unwrap_or(0);
        let labels = [("reason", reason)];
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn histogram(
    pool: &PoolSnapshot,
    waits: &Histogram,
    metrics: &mut DescriptorEncoder<'_>,
) -> fmt::Result {
    let (name, help) = ("pool_acquire_wait", "How long leases were waited for");
    let unit = Unit::Seconds;
    let mut family = metrics.encode_descriptor(name, help, Some(&unit), MetricType::Histogram)?;
    // Waits may be recorded meanwhile: each count is at least the one before, and the last one is the whole.
    let mut below = pool.acquired.saturating_sub(waits.count());
    let at_once = below;
    let mut buckets: Vec<(f64, u64)> = Vec::with_capacity(BOUNDS.len() + 1);
    for bound in BOUNDS {
        let up_to = at_once + waits.at_most(Duration::from_secs_f64(bound));
        let up_to = up_to.max(below);
        buckets.push((bound, up_to - below));
        below = up_to;
    }
    let count = (at_once + waits.count()).max(below);
    buckets.push((f64::MAX, count - below));
    family.encode_histogram::<NoLabelSet>(waits.sum().as_secs_f64(), count, &buckets, None)
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

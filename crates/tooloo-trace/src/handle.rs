//! A read-only view.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use prometheus_client::encoding::DescriptorEncoder;
use serde::Serialize;
use tooloo_hub::Observe;

use crate::{
    Tracer, encode,
    figures::{Distribution, Route, quantile},
    record::FinishedSpan,
};

/// The newest spans that a snapshot shows.
const SHOWN_SPANS: usize = 50;

/// Reads a tracer's figures after its layers have been moved into stacks.
#[derive(Clone, Debug)]
pub struct TraceHandle {
    tracer: Tracer,
}

/// What a tracer has seen so far.
///
/// Latencies are milliseconds, over every request and not only sampled ones; quantiles are within
/// 1 % of exact. What cannot be known yet is `None`.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TraceSnapshot {
    /// Requests and traces that have begun and not ended.
    pub active_traces: u64,
    /// Requests and traces that have begun.
    pub total_traces: u64,
    /// Those of them that are sampled.
    pub sampled_traces: u64,
    /// The fraction of traces beginning here that is sampled.
    pub sampling_rate: f64,
    /// Mean latency of those that have ended.
    pub avg_latency: Option<f64>,
    /// Their median.
    pub p50_latency: Option<f64>,
    /// Their 99th percentile.
    pub p99_latency: Option<f64>,
    /// How many ended a second, over the last minute.
    pub throughput: Option<f64>,
    /// The fraction that failed: answered 5xx, or broke off.
    pub error_rate: Option<f64>,
    /// Each route's share, by route and method.
    pub routes: Vec<RouteSnapshot>,
    /// The newest spans that were kept, newest first.
    pub spans: Vec<Arc<FinishedSpan>>,
}

/// The figures of one route.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RouteSnapshot {
    /// The HTTP method; `None` of a trace that the program began itself.
    pub method: Option<&'static str>,
    /// The route's pattern.
    pub route: Arc<str>,
    /// Requests that have ended.
    pub count: u64,
    /// Those that failed.
    pub errors: u64,
    /// Those that were given up before their answer was complete: the client left, or a drain cut it off.
    pub cancelled: u64,
    /// How many were answered with each status; a request without an answer is in none.
    pub by_status: BTreeMap<u16, u64>,
    /// Mean latency.
    pub avg_latency: Option<f64>,
    /// Median latency.
    pub p50_latency: Option<f64>,
    /// 99th percentile of the latency.
    pub p99_latency: Option<f64>,
}

impl TraceHandle {
    pub(crate) fn new(tracer: Tracer) -> Self {
        Self { tracer }
    }

    /// Returns the figures without the recent spans.
    pub fn figures(&self) -> TraceSnapshot {
        let counts = self.tracer.counts();
        // First of all: what has ended by now is in the figures below.
        let active_traces = counts.active();
        let mut all = Distribution::default();
        let mut errors = 0;
        let mut routes: Vec<_> = self
            .tracer
            .routes()
            .all()
            .map(|route| {
                let (route, durations) = RouteSnapshot::of(route);
                errors += route.errors;
                all.add(&durations);
                route
            })
            .collect();
        routes.sort_by(|a, b| (&a.route, a.method).cmp(&(&b.route, b.method)));
        TraceSnapshot {
            active_traces,
            total_traces: counts.began(),
            sampled_traces: counts.sampled(),
            sampling_rate: self.tracer.sampler().rate(),
            avg_latency: all.mean().map(milliseconds),
            p50_latency: quantile(&all, 0.5).map(milliseconds),
            p99_latency: quantile(&all, 0.99).map(milliseconds),
            throughput: counts.throughput(self.tracer.age()),
            error_rate: fraction(errors, all.count),
            routes,
            spans: Vec::new(),
        }
    }
}

impl Observe for TraceHandle {
    type Snapshot = TraceSnapshot;

    fn snapshot(&self) -> TraceSnapshot {
        TraceSnapshot {
            spans: self.tracer.recent().newest(SHOWN_SPANS),
            ..self.figures()
        }
    }

    fn encode(&self, metrics: DescriptorEncoder<'_>) -> fmt::Result {
        encode::metrics(&self.tracer, metrics)
    }

    fn encode_exemplars(&self, metrics: DescriptorEncoder<'_>) -> fmt::Result {
        encode::exemplars(&self.tracer, metrics)
    }
}

impl RouteSnapshot {
    /// Reads each of a route's histograms once, so that its figures agree with each other.
    fn of(route: &Route) -> (Self, Distribution) {
        let mut durations = Distribution::default();
        let mut by_status = BTreeMap::new();
        for series in route.series() {
            let own = series.durations.distribution();
            by_status.extend(series.status.map(|status| (status, own.count)));
            durations.add(&own);
        }
        let snapshot = Self {
            method: route.method.as_str(),
            route: Arc::clone(&route.pattern),
            count: durations.count,
            errors: route.errors(),
            cancelled: route.cancelled(),
            by_status,
            avg_latency: durations.mean().map(milliseconds),
            p50_latency: quantile(&durations, 0.5).map(milliseconds),
            p99_latency: quantile(&durations, 0.99).map(milliseconds),
        };
        (snapshot, durations)
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is shown, not counted on"
)]
fn fraction(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

//! The tracer's metrics, under OpenTelemetry's names.

use std::fmt;

use prometheus_client::{
    encoding::{
        DescriptorEncoder, EncodeMetric, NativeHistogram, NativeHistogramBuckets, NoLabelSet,
    },
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Unit,
};

use crate::{
    Tracer,
    figures::{BOUNDS, Distribution, Route, Routes, SCHEMA, Series},
};

type Labels = Vec<(&'static str, String)>;

/// A histogram family: its name without unit, its help, and where its routes are.
struct Family<'a> {
    name: &'static str,
    help: &'static str,
    // What the label of the route is called.
    target: &'static str,
    routes: &'a Routes,
}

pub(crate) fn metrics(tracer: &Tracer, mut metrics: DescriptorEncoder<'_>) -> fmt::Result {
    for family in families(tracer) {
        family.encode(&mut metrics, |series, encoder| {
            encode_series(series, encoder)
        })?;
    }
    let counts = tracer.counts();
    let (spans, bytes) = tracer.recent().size();
    gauge(
        &mut metrics,
        "http_server_active_requests",
        "Requests that have begun and not ended",
        counts.active(),
    )?;
    counter(
        &mut metrics,
        "trace_traces",
        "Requests and traces that have begun",
        counts.began(),
    )?;
    counter(
        &mut metrics,
        "trace_sampled_traces",
        "Traces that are sampled",
        counts.sampled(),
    )?;
    gauge(
        &mut metrics,
        "trace_recent_spans",
        "Spans kept in memory",
        spans as u64,
    )?;
    gauge(
        &mut metrics,
        "trace_recent_bytes",
        "Bytes of the spans kept in memory",
        bytes as u64,
    )?;
    if let Some(export) = tracer.export() {
        let [exported, failed, dropped] = export.counts();
        counter(
            &mut metrics,
            "trace_exported_spans",
            "Spans that the exporter sent",
            exported,
        )?;
        counter(
            &mut metrics,
            "trace_failed_spans",
            "Spans that the exporter could not send",
            failed,
        )?;
        counter(
            &mut metrics,
            "trace_dropped_spans",
            "Spans dropped because the exporter's queue was full",
            dropped,
        )?;
    }
    Ok(())
}

pub(crate) fn exemplars(tracer: &Tracer, mut metrics: DescriptorEncoder<'_>) -> fmt::Result {
    for family in families(tracer) {
        family.encode(&mut metrics, |series, encoder| {
            series.exemplars.encode(encoder)
        })?;
    }
    Ok(())
}

fn families(tracer: &Tracer) -> [Family<'_>; 2] {
    [
        Family {
            name: "http_server_request_duration",
            help: "Duration of requests, to the end of the answer's body",
            target: "http_route",
            routes: tracer.routes(),
        },
        Family {
            name: "http_client_request_duration",
            help: "Duration of outgoing calls, to the end of the answer's body",
            target: "server_address",
            routes: tracer.outgoing(),
        },
    ]
}

impl Family<'_> {
    fn encode(
        &self,
        metrics: &mut DescriptorEncoder<'_>,
        each: impl Fn(&Series, prometheus_client::encoding::MetricEncoder<'_>) -> fmt::Result,
    ) -> fmt::Result {
        let mut routes = self.routes.all().peekable();
        if routes.peek().is_none() {
            return Ok(());
        }
        let mut family = metrics.encode_descriptor(
            self.name,
            self.help,
            Some(&Unit::Seconds),
            MetricType::Histogram,
        )?;
        for route in routes {
            for series in route.series() {
                each(series, family.encode_family(&self.labels(route, series))?)?;
            }
        }
        Ok(())
    }

    fn labels(&self, route: &Route, series: &Series) -> Labels {
        let mut labels = vec![(self.target, route.pattern.to_string())];
        if let Some(method) = route.method.as_str() {
            labels.push(("http_request_method", method.to_owned()));
        }
        let status = match series.status {
            Some(status) => Some(status.to_string()),
            None => series.is_rest.then(|| "_OTHER".to_owned()),
        };
        labels.extend(status.map(|status| ("http_response_status_code", status)));
        labels
    }
}

fn encode_series(
    series: &Series,
    mut encoder: prometheus_client::encoding::MetricEncoder<'_>,
) -> fmt::Result {
    let durations = series.durations.distribution();
    let (spans, deltas) = native(&durations);
    let none = NativeHistogramBuckets {
        spans: &[],
        deltas: &[],
    };
    encoder.encode_histogram_with_native::<NoLabelSet>(
        durations.sum.as_secs_f64(),
        durations.count,
        &classic(&durations),
        None,
        NativeHistogram {
            schema: SCHEMA.into(),
            zero_threshold: 0.0,
            zero_count: 0,
            negative: none,
            positive: NativeHistogramBuckets {
                spans: &spans,
                deltas: &deltas,
            },
            created: None,
        },
    )
}

/// Returns each classic bucket's bound and its own count.
fn classic(durations: &Distribution) -> Vec<(f64, u64)> {
    let mut below = 0;
    let mut buckets: Vec<_> = BOUNDS
        .into_iter()
        .map(|bound| {
            let within = durations.at_most(bound);
            let own = within - below;
            below = within;
            (bound, own)
        })
        .collect();
    buckets.push((f64::INFINITY, durations.count - below));
    buckets
}

/// Returns a native histogram's spans, each a gap and a length, and the change from bucket to bucket.
fn native(durations: &Distribution) -> (Vec<(i32, u32)>, Vec<i64>) {
    let mut spans: Vec<(i32, u32)> = Vec::new();
    let mut deltas = Vec::with_capacity(durations.buckets.len());
    let (mut next, mut before) = (0, 0);
    for (index, count) in &durations.buckets {
        match spans.last_mut() {
            Some((_, length)) if *index == next => *length += 1,
            _ => spans.push((index - next, 1)),
        }
        next = index + 1;
        let count = i64::try_from(*count).unwrap_or(i64::MAX);
        deltas.push(count - before);
        before = count;
    }
    (spans, deltas)
}

fn counter(metrics: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let counter = ConstCounter::new(value);
    counter.encode(metrics.encode_descriptor(name, help, None, MetricType::Counter)?)
}

fn gauge(metrics: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
    gauge.encode(metrics.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn writes_gaps_and_changes_of_a_native_histogram() {
        let durations = Distribution {
            buckets: vec![(-3, 5), (-2, 2), (4, 9)],
            count: 16,
            sum: Duration::ZERO,
        };
        assert_eq!(native(&durations), (vec![(-3, 2), (5, 1)], vec![5, -3, 7]));
    }

    #[test]
    fn classic_buckets_add_up_to_the_count() {
        let durations = Distribution {
            buckets: vec![(-640, 5), (0, 2), (640, 9)],
            count: 16,
            sum: Duration::ZERO,
        };
        let buckets = classic(&durations);
        assert_eq!(buckets[0], (0.005, 5));
        assert_eq!(buckets[9], (1.0, 2));
        assert_eq!(buckets[14], (f64::INFINITY, 9));
    }
}

//! What a collector received, to hold the figures against.

use serde_json::Value;
use tooloo_testkit::collector::{Collector, ReceivedSpan};

use crate::tally::{Counts, Key};

/// Routes that show figures and are no part of them.
const UNCOUNTED: [&str; 7] = [
    "/api/v1/system/observability",
    "/api/v1/system/traces/{traceId}",
    "/health",
    "/livez",
    "/metrics",
    "/openapi.json",
    "/readyz",
];

/// The spans that were exported until now.
pub(super) struct Exported {
    spans: Vec<ReceivedSpan>,
}

impl Exported {
    pub(super) fn read(collector: &Collector) -> Self {
        Self {
            spans: collector.spans(),
        }
    }

    /// Returns how many requests of a service were exported that figures are kept of.
    pub(super) fn total(&self, service: &str) -> usize {
        let own = self
            .spans
            .iter()
            .filter(|span| span.resource["service.name"] == service);
        own.filter(|span| is_counted(span)).count()
    }

    /// Counts the requests behind some of the spans.
    pub(super) fn counts(&self, wanted: impl Fn(&ReceivedSpan) -> bool) -> Counts {
        let mut counts = Counts::default();
        for span in self
            .spans
            .iter()
            .filter(|span| is_counted(span) && wanted(span))
        {
            let attribute = |name: &str| span.attributes.get(name).map_or("", String::as_str);
            let route = match attribute("http.route") {
                "" if span.kind == "SPAN_KIND_SERVER" => "_UNMATCHED",
                "" => &span.name,
                route => route,
            };
            let status = attribute("http.response.status_code").parse().ok();
            let key = Key::new(
                &span.resource["service.name"],
                attribute("http.request.method"),
                route,
                status,
            );
            counts.add(key, 1);
        }
        counts
    }

    /// Returns the service that called, by the span that a server's span is under.
    pub(super) fn caller(&self, span: &ReceivedSpan) -> Option<&str> {
        let parent = span.parent_span_id.as_deref()?;
        let parent = self
            .spans
            .iter()
            .find(|other| other.span_id == parent && other.trace_id == span.trace_id)?;
        Some(&parent.resource["service.name"])
    }

    /// Compares what a service tells with the exact quantiles of the durations that it exported.
    pub(super) fn assert_quantiles(&self, service: &str, told: &Value) {
        let durations = |wanted: &dyn Fn(&ReceivedSpan) -> bool| {
            let own = self.spans.iter().filter(|span| {
                span.resource["service.name"] == service && is_counted(span) && wanted(span)
            });
            let mut durations: Vec<_> = own.map(|span| span.duration).collect();
            durations.sort_unstable();
            durations
        };
        assert_near(service, &told["tracer"], &durations(&|_| true));
        for route in told["tracer"]["routes"].as_array().into_iter().flatten() {
            let of_route = |span: &ReceivedSpan| {
                let found = span
                    .attributes
                    .get("http.route")
                    .map_or("_UNMATCHED", String::as_str);
                let method = span.attributes.get("http.request.method");
                route["route"] == found && route["method"].as_str() == method.map(String::as_str)
            };
            assert_near(
                &format!("{service} {} {}", route["method"], route["route"]),
                route,
                &durations(&of_route),
            );
        }
    }
}

/// Whether a span is one of those that figures are kept of.
fn is_counted(span: &ReceivedSpan) -> bool {
    let route = span.attributes.get("http.route").map_or("", String::as_str);
    match span.kind {
        "SPAN_KIND_SERVER" => !UNCOUNTED.contains(&route),
        "SPAN_KIND_INTERNAL" => span.parent_span_id.is_none(),
        _ => false,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "ranks among thousands, and durations of seconds"
)]
fn assert_near(what: &str, told: &Value, durations: &[u64]) {
    for (name, quantile) in [("p50Latency", 0.5), ("p99Latency", 0.99)] {
        let Some(told) = told[name].as_f64() else {
            assert!(durations.is_empty(), "{what} has no {name}");
            continue;
        };
        let rank = (durations.len() as f64 * quantile).ceil() as usize;
        let exact = durations[rank.max(1) - 1] as f64 / 1e6;
        assert!(
            (told - exact).abs() <= exact * 0.01,
            "{what}: {name} is {told}, exactly {exact}"
        );
    }
}

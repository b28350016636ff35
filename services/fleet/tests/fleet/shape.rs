//! What the services' JSON must look like, member by member.

use serde_json::Value;

/// What a member holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    Count,
    Number,
    /// A number, or `null` while it cannot be known.
    Figure,
    Fraction,
    Bool,
    Text,
    /// Text, or `null`.
    MaybeText,
    Time,
    Hex(usize),
    List(&'static [(&'static str, Kind)]),
    Object(&'static [(&'static str, Kind)]),
    Any,
}

pub(crate) const OBSERVABILITY: Kind = Kind::Object(&[
    ("service", Kind::Text),
    ("traceId", Kind::Hex(32)),
    (
        "tracer",
        Kind::Object(&[
            ("activeTraces", Kind::Count),
            ("totalTraces", Kind::Count),
            ("sampledTraces", Kind::Count),
            ("samplingRate", Kind::Fraction),
            ("avgLatency", Kind::Figure),
            ("p50Latency", Kind::Figure),
            ("p99Latency", Kind::Figure),
            ("throughput", Kind::Number),
            ("errorRate", Kind::Figure),
            (
                "routes",
                Kind::List(&[
                    ("method", Kind::Text),
                    ("route", Kind::Text),
                    ("count", Kind::Count),
                    ("errors", Kind::Count),
                    ("avgLatency", Kind::Figure),
                    ("p50Latency", Kind::Figure),
                    ("p99Latency", Kind::Figure),
                ]),
            ),
            (
                "spans",
                Kind::List(&[
                    ("traceId", Kind::Hex(32)),
                    ("spanId", Kind::Hex(16)),
                    ("parentSpanId", Kind::MaybeText),
                    ("name", Kind::Text),
                    ("service", Kind::Text),
                    ("startTime", Kind::Time),
                    ("duration", Kind::Number),
                    ("status", Kind::Text),
                    ("attributes", Kind::Any),
                ]),
            ),
        ]),
    ),
]);

pub(crate) const RATE_LIMITER: Kind = Kind::Object(&[
    ("totalRequests", Kind::Count),
    ("allowedRequests", Kind::Count),
    ("deniedRequests", Kind::Count),
    ("queuedRequests", Kind::Count),
    ("allowRate", Kind::Figure),
    ("activeKeys", Kind::Count),
    ("evictedKeys", Kind::Count),
    (
        "topKeys",
        Kind::List(&[
            ("key", Kind::Text),
            ("allowed", Kind::Count),
            ("denied", Kind::Count),
        ]),
    ),
]);

pub(crate) const CIRCUIT_BREAKER: Kind = Kind::Object(&[
    ("status", Kind::Text),
    ("callCount", Kind::Count),
    ("failureCount", Kind::Count),
    ("rejectedCount", Kind::Count),
    ("lastFailureTime", Kind::MaybeText),
]);

pub(crate) const POOL: Kind = Kind::Object(&[
    ("size", Kind::Count),
    ("idle", Kind::Count),
    ("inUse", Kind::Count),
    ("waiting", Kind::Count),
    ("min", Kind::Count),
    ("max", Kind::Count),
    ("utilization", Kind::Fraction),
    ("acquired", Kind::Count),
    ("timeouts", Kind::Count),
    ("created", Kind::Count),
    ("closed", Kind::Any),
    ("acquireP50", Kind::Figure),
    ("acquireP99", Kind::Figure),
]);

pub(crate) const QUERIES: Kind = Kind::Object(&[
    ("executed", Kind::Count),
    ("batched", Kind::Count),
    ("deduplicated", Kind::Count),
    ("saved", Kind::Count),
    ("slow", Kind::Count),
    ("p50Latency", Kind::Figure),
    ("p99Latency", Kind::Figure),
    (
        "fingerprints",
        Kind::List(&[
            ("sql", Kind::Text),
            ("count", Kind::Count),
            ("totalTime", Kind::Number),
            ("p99Latency", Kind::Figure),
        ]),
    ),
    (
        "slowQueries",
        Kind::List(&[
            ("sql", Kind::Text),
            ("duration", Kind::Number),
            ("time", Kind::Time),
            ("traceId", Kind::MaybeText),
        ]),
    ),
    (
        "findings",
        Kind::List(&[
            ("rule", Kind::Text),
            ("severity", Kind::Text),
            ("sql", Kind::Text),
            ("advice", Kind::Text),
        ]),
    ),
]);

pub(crate) const HEALTH: Kind = Kind::Object(&[
    ("ok", Kind::Bool),
    ("service", Kind::Text),
    ("version", Kind::Text),
    ("time", Kind::Time),
    ("uptime", Kind::Number),
    ("ready", Kind::Bool),
    ("checks", Kind::Any),
    (
        "metrics",
        Kind::Object(&[
            ("requests", Kind::Count),
            ("successfulRequests", Kind::Count),
            ("errors", Kind::Count),
            ("avgLatency", Kind::Figure),
            ("errorsByCode", Kind::Any),
        ]),
    ),
]);

/// Checks that `value` is of `kind`, and panics with the path to what is not.
pub(crate) fn assert_shape(path: &str, value: &Value, kind: Kind) {
    let number = value
        .as_f64()
        .filter(|number| number.is_finite() && *number >= 0.0);
    let fine = match kind {
        Kind::Count => value.is_u64(),
        Kind::Number => number.is_some(),
        Kind::Figure => value.is_null() || number.is_some(),
        Kind::Fraction => number.is_some_and(|fraction| fraction <= 1.0),
        Kind::Bool => value.is_boolean(),
        Kind::Text => value.as_str().is_some_and(|text| !text.is_empty()),
        Kind::MaybeText => value.is_null() || value.is_string(),
        Kind::Time => value
            .as_str()
            .is_some_and(|time| time.ends_with('Z') && time.parse::<jiff::Timestamp>().is_ok()),
        Kind::Hex(digits) => {
            let hex = |digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
            value
                .as_str()
                .is_some_and(|id| id.len() == digits && id.bytes().all(hex))
        }
        Kind::List(members) => {
            let items = value
                .as_array()
                .unwrap_or_else(|| panic!("{path} is no list: {value}"));
            for (index, item) in items.iter().enumerate() {
                assert_shape(&format!("{path}[{index}]"), item, Kind::Object(members));
            }
            true
        }
        Kind::Object(members) => {
            for (name, kind) in members {
                let member = value
                    .get(name)
                    .unwrap_or_else(|| panic!("{path}.{name} is missing in {value}"));
                assert_shape(&format!("{path}.{name}"), member, *kind);
            }
            true
        }
        Kind::Any => value.is_object(),
    };
    assert!(fine, "{path} is no {kind:?}: {value}");
}

//! What the fleet's capabilities add up to.

use std::cmp::Reverse;

use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    capability::{Capability, State},
    usage::Usage,
};

/// The most operations in a ranking.
const RANKED: usize = 5;

/// Sums over all capabilities.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Insights {
    totals: Totals,
    services: Vec<ServiceSum>,
    /// The most called operations, most calls first.
    most_used: Vec<Used>,
    /// Operations with errors, and active ones that cannot be used.
    failing: Vec<Failing>,
    /// Active operations that were not called since their service started.
    active_but_unused: Vec<String>,
}

/// Counts over all services.
#[derive(Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    /// Operations that are offered now.
    pub(crate) capabilities: usize,
    /// Of these, how many are active.
    pub(crate) active: usize,
    /// Operations that are offered no more.
    pub(crate) gone: usize,
    /// Active among those offered; `null` where none are offered.
    pub(crate) activation_rate: Option<f64>,
}

/// Counts over one service.
#[derive(Debug, Serialize, ToSchema)]
struct ServiceSum {
    service: String,
    #[serde(flatten)]
    totals: Totals,
    /// Calls of its operations since it started; `null` where it does not tell.
    requests: Option<u64>,
    /// Of these, how many failed.
    errors: Option<u64>,
}

/// An operation and its calls.
#[derive(Debug, Serialize, ToSchema)]
struct Used {
    id: String,
    #[serde(flatten)]
    usage: Usage,
}

/// An operation that does not do what it should.
#[derive(Debug, Serialize, ToSchema)]
struct Failing {
    id: String,
    reasons: Vec<Reason>,
}

/// What is wrong with an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Reason {
    /// Calls failed since its service started.
    Errors,
    /// It is active, but its service offers it no more.
    Gone,
    /// It is active, but its service does not answer.
    Unreachable,
    /// The last probe failed.
    Probe,
}

impl Totals {
    /// Counts `capabilities`.
    pub(crate) fn of<'a>(capabilities: impl IntoIterator<Item = &'a Capability>) -> Self {
        let mut totals = Self::default();
        for capability in capabilities {
            match capability.state {
                State::Gone => totals.gone += 1,
                State::Active => {
                    totals.active += 1;
                    totals.capabilities += 1;
                }
                State::Inactive => totals.capabilities += 1,
            }
        }
        totals.activation_rate = rate(totals.active, totals.capabilities);
        totals
    }
}

impl Insights {
    /// Sums up `capabilities` over `services`.
    pub(crate) fn of(services: &[&str], capabilities: &[Capability]) -> Self {
        let mut used: Vec<(&Capability, Usage)> = capabilities
            .iter()
            .filter_map(|capability| Some((capability, capability.usage?)))
            .filter(|(_, usage)| usage.count > 0)
            .collect();
        used.sort_by(|(a, x), (b, y)| {
            Reverse(x.count)
                .cmp(&Reverse(y.count))
                .then(a.operation.id.cmp(&b.operation.id))
        });
        used.truncate(RANKED);
        let unused = |capability: &&Capability| {
            capability.state == State::Active && capability.usage.is_some_and(|u| u.count == 0)
        };
        Self {
            totals: Totals::of(capabilities),
            services: services
                .iter()
                .map(|service| ServiceSum::of(service, capabilities))
                .collect(),
            most_used: used
                .into_iter()
                .map(|(capability, usage)| Used {
                    id: capability.operation.id.clone(),
                    usage,
                })
                .collect(),
            failing: capabilities.iter().filter_map(Failing::of).collect(),
            active_but_unused: capabilities
                .iter()
                .filter(unused)
                .map(|capability| capability.operation.id.clone())
                .collect(),
        }
    }
}

impl ServiceSum {
    fn of(service: &str, capabilities: &[Capability]) -> Self {
        let own = || {
            capabilities
                .iter()
                .filter(|c| c.operation.service == service)
        };
        let sum = |figure: fn(Usage) -> u64| {
            let mut told = own().filter_map(|capability| capability.usage).peekable();
            told.peek()?;
            Some(told.map(figure).sum())
        };
        Self {
            service: service.to_owned(),
            totals: Totals::of(own()),
            requests: sum(|usage| usage.count),
            errors: sum(|usage| usage.errors),
        }
    }
}

impl Failing {
    fn of(capability: &Capability) -> Option<Self> {
        let probe = capability
            .probes
            .as_ref()
            .and_then(|probes| probes.last_error.as_ref());
        let gone = capability.state == State::Gone;
        let reasons: Vec<Reason> = [
            (
                capability.usage.is_some_and(|usage| usage.errors > 0),
                Reason::Errors,
            ),
            (capability.is_active() && gone, Reason::Gone),
            (
                capability.is_active() && !gone && capability.reachable == Some(false),
                Reason::Unreachable,
            ),
            (capability.is_active() && probe.is_some(), Reason::Probe),
        ]
        .into_iter()
        .filter_map(|(applies, reason)| applies.then_some(reason))
        .collect();
        let id = capability.operation.id.clone();
        (!reasons.is_empty()).then_some(Self { id, reasons })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the number of operations is bounded far below 2^52"
)]
fn rate(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{capability::Known, operation::Operation, sources::Present, usage::Figures};

    fn known(service: &str, name: &str) -> Known {
        Known {
            operation: Operation {
                id: format!("{service}.{name}"),
                service: service.to_owned(),
                method: "GET".to_owned(),
                path: format!("/{name}"),
                summary: None,
                callable: true,
                counted: true,
            },
            first_seen: Timestamp::UNIX_EPOCH,
            gone_since: None,
            active_since: None,
            probes: None,
        }
    }

    fn active(known: Known) -> Known {
        Known {
            active_since: Some(Timestamp::UNIX_EPOCH),
            ..known
        }
    }

    fn present(routes: &str) -> Present {
        let answer = format!(r#"{{"tracer": {{"routes": [{routes}]}}}}"#);
        Present {
            reachable: Some(true),
            figures: Some(Figures::read(answer.as_bytes()).unwrap()),
            ..Present::default()
        }
    }

    #[test]
    fn sums_up_what_services_tell_and_makes_nothing_up() {
        let told = present(
            r#"{"method": "GET", "route": "/a", "count": 5, "errors": 1, "p99Latency": 2.0},
               {"method": "GET", "route": "/b", "count": 9, "errors": 0, "p99Latency": 1.0}"#,
        );
        let silent = Present {
            reachable: Some(false),
            ..Present::default()
        };
        let capabilities = [
            Capability::new(active(known("x", "a")), &told),
            Capability::new(known("x", "b"), &told),
            Capability::new(active(known("x", "c")), &told),
            Capability::new(active(known("y", "d")), &silent),
        ];
        let insights = Insights::of(&["x", "y"], &capabilities);
        assert_eq!(insights.totals.activation_rate, Some(0.75));
        let sums: Vec<_> = insights
            .services
            .iter()
            .map(|s| (s.requests, s.errors))
            .collect();
        assert_eq!(sums, [(Some(14), Some(1)), (None, None)]);
        let ranked: Vec<&str> = insights
            .most_used
            .iter()
            .map(|used| used.id.as_str())
            .collect();
        assert_eq!(ranked, ["x.b", "x.a"]);
        assert_eq!(insights.active_but_unused, ["x.c"]);
        let failing: Vec<_> = insights
            .failing
            .iter()
            .map(|f| (f.id.as_str(), f.reasons.clone()))
            .collect();
        assert_eq!(
            failing,
            [
                ("x.a", vec![Reason::Errors]),
                ("y.d", vec![Reason::Unreachable])
            ]
        );
    }

    #[test]
    fn counts_what_is_gone_apart_from_what_is_offered() {
        let gone = Known {
            gone_since: Some(Timestamp::UNIX_EPOCH),
            ..active(known("x", "a"))
        };
        let capabilities = [Capability::new(gone, &present(""))];
        let insights = Insights::of(&["x"], &capabilities);
        let expected = Totals {
            gone: 1,
            ..Totals::default()
        };
        assert_eq!(insights.totals, expected);
        assert_eq!(insights.failing[0].reasons, [Reason::Gone]);
    }
}

//! How fast the services answer, and how often they fail.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::{figures::number, gather::Copy};

/// How many of the slowest routes are shown.
const SLOWEST: usize = 10;

/// How one service performs; figures it has not told are `null`.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Performance {
    pub(crate) service: &'static str,
    /// Whether these are old figures, because there are no new ones.
    stale: bool,
    /// How old they are, in seconds.
    age: Option<f64>,
    error: Option<String>,
    requests: Option<f64>,
    active: Option<f64>,
    throughput: Option<f64>,
    error_rate: Option<f64>,
    avg_latency: Option<f64>,
    p50_latency: Option<f64>,
    p99_latency: Option<f64>,
}

/// A route of some service.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SlowRoute {
    service: &'static str,
    method: String,
    route: String,
    count: f64,
    errors: f64,
    p99_latency: f64,
}

/// Reads every service's figures.
pub(crate) fn services(copies: &BTreeMap<&'static str, Copy>) -> Vec<Performance> {
    copies
        .iter()
        .map(|(service, copy)| Performance::of(service, copy))
        .collect()
}

/// Finds the routes with the largest p99, of what is not stale.
pub(crate) fn slowest(copies: &BTreeMap<&'static str, Copy>) -> Vec<SlowRoute> {
    let mut routes: Vec<SlowRoute> = copies
        .iter()
        .filter(|(_, copy)| !copy.stale)
        .filter_map(|(&service, copy)| Some((service, copy.data.as_ref()?)))
        .flat_map(|(service, data)| routes(data).map(move |route| (service, route)))
        .filter_map(|(service, route)| SlowRoute::read(service, route))
        .collect();
    routes.sort_by(|a, b| b.p99_latency.total_cmp(&a.p99_latency));
    routes.truncate(SLOWEST);
    routes
}

impl Performance {
    fn of(service: &'static str, copy: &Copy) -> Self {
        let figure = |name| number(copy.data.as_ref()?, &["tracer", name]);
        Self {
            service,
            stale: copy.stale,
            age: copy.age,
            error: copy.error.clone(),
            requests: figure("totalTraces"),
            active: figure("activeTraces"),
            throughput: figure("throughput"),
            error_rate: figure("errorRate"),
            avg_latency: figure("avgLatency"),
            p50_latency: figure("p50Latency"),
            p99_latency: figure("p99Latency"),
        }
    }
}

impl SlowRoute {
    fn read(service: &'static str, route: &Value) -> Option<Self> {
        Some(Self {
            service,
            method: route.get("method")?.as_str()?.to_owned(),
            route: route.get("route")?.as_str()?.to_owned(),
            count: route.get("count")?.as_f64()?,
            errors: route.get("errors")?.as_f64()?,
            p99_latency: route.get("p99Latency")?.as_f64()?,
        })
    }
}

fn routes(data: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    data.get("tracer")
        .and_then(|tracer| tracer.get("routes")?.as_array())
        .into_iter()
        .flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn copy(stale: bool, p99s: &[f64]) -> Copy {
        let route = |p99: &f64| {
            json!({
                "method": "GET", "route": "/", "count": 1, "errors": 0, "p99Latency": p99,
            })
        };
        let routes: Vec<Value> = p99s.iter().map(route).collect();
        let data = json!({"tracer": {"totalTraces": 3, "p99Latency": null, "routes": routes}});
        Copy {
            stale,
            taken_at: None,
            age: None,
            error: None,
            data: data.as_object().cloned(),
        }
    }

    #[test]
    fn shows_the_slowest_routes_of_what_answered_now() {
        let copies = BTreeMap::from([
            ("a", copy(false, &[1.0, 9.0])),
            ("b", copy(false, &[5.0; 12])),
            ("c", copy(true, &[100.0])),
        ]);
        let slowest = slowest(&copies);
        assert_eq!(slowest.len(), SLOWEST);
        assert_eq!((slowest[0].service, slowest[1].service), ("a", "b"));
    }

    #[test]
    fn a_figure_that_was_not_told_is_not_there() {
        let copies = BTreeMap::from([("a", copy(false, &[]))]);
        let services = services(&copies);
        assert_eq!(services[0].requests, Some(3.0));
        assert_eq!(services[0].p99_latency, None);
    }
}

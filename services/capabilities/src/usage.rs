//! How often operations are used, from their services' own figures.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a service says of one of its routes, since it started.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Usage {
    pub(crate) count: u64,
    /// Answers with a status from 500 on, and failures.
    pub(crate) errors: u64,
    /// In milliseconds; `null` as long as nothing was measured.
    #[serde(default)]
    pub(crate) p99_latency: Option<f64>,
}

/// The figures of a service's routes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    routes: HashMap<(String, String), Usage>,
}

#[derive(Deserialize)]
struct Observability {
    tracer: Tracer,
}

#[derive(Deserialize)]
struct Tracer {
    routes: Vec<Counted>,
}

#[derive(Deserialize)]
struct Counted {
    method: String,
    route: String,
    #[serde(flatten)]
    usage: Usage,
}

impl Figures {
    /// Reads the answer of a service's observability route.
    pub(crate) fn read(answer: &[u8]) -> Result<Self, serde_json::Error> {
        let observability: Observability = serde_json::from_slice(answer)?;
        let routes = observability.tracer.routes.into_iter();
        Ok(Self {
            routes: routes
                .map(|route| ((route.method, route.route), route.usage))
                .collect(),
        })
    }

    /// Returns the use of a route; a counted route that is not listed was never called.
    pub(crate) fn of(&self, method: &str, path: &str) -> Usage {
        let key = (method.to_owned(), path.to_owned());
        self.routes.get(&key).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_a_route_by_method_and_path() {
        let answer = br#"{"service": "training", "tracer": {"totalTraces": 9, "routes": [
            {"method": "GET", "route": "/a/{id}", "count": 9, "errors": 2, "avgLatency": 3.1, "p99Latency": 9.8}
        ]}}"#;
        let figures = Figures::read(answer).unwrap();
        let used = Usage {
            count: 9,
            errors: 2,
            p99_latency: Some(9.8),
        };
        assert_eq!(figures.of("GET", "/a/{id}"), used);
        assert_eq!(figures.of("POST", "/a/{id}"), Usage::default());
        assert_eq!(figures.of("GET", "/b").p99_latency, None);
    }

    #[test]
    fn refuses_an_answer_without_routes() {
        for answer in [
            "",
            "{}",
            r#"{"tracer": {}}"#,
            r#"{"tracer": {"routes": [{}]}}"#,
        ] {
            assert!(Figures::read(answer.as_bytes()).is_err(), "{answer}");
        }
    }
}

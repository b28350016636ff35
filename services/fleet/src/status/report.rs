//! What is known of one service.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    look::{Lookout, Silence},
    roster::Member,
    show::{Cell, Table, Tint, count, duration, rate, uptime},
};

#[derive(Debug)]
pub(super) struct Report {
    name: &'static str,
    url: String,
    state: Result<Known, Silence>,
}

#[derive(Debug)]
struct Known {
    health: Health,
    tracer: Tracer,
}

#[derive(Debug, Deserialize)]
struct Health {
    ready: bool,
    /// Seconds.
    uptime: f64,
    checks: BTreeMap<String, Check>,
    metrics: Metrics,
}

#[derive(Debug, Deserialize)]
struct Check {
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Metrics {
    errors: u64,
}

#[derive(Debug, Deserialize)]
struct Observability {
    tracer: Tracer,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tracer {
    total_traces: u64,
    /// Requests a second.
    throughput: f64,
    /// Milliseconds.
    p50_latency: Option<f64>,
    p99_latency: Option<f64>,
}

pub(super) fn table() -> Table {
    let words = ["service", "address", "health", "ready"].map(Cell::text);
    let figures = ["uptime", "requests", "rate", "p50", "p99", "errors"].map(Cell::figure);
    Table::new(words.into_iter().chain(figures).collect())
}

impl Report {
    pub(super) async fn gather(lookout: &Lookout, member: &Member) -> Self {
        let url = member.url();
        let state = async {
            let (_, health) = lookout.get(&url, "/health").await?;
            let observability = lookout.get(&url, "/api/v1/system/observability").await;
            let (_, Observability { tracer }) = observability?;
            Ok(Known { health, tracer })
        };
        Self {
            name: member.name(),
            state: state.await,
            url,
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.state.as_ref().is_ok_and(|known| known.health.ready)
    }

    pub(super) fn row(&self) -> Vec<Cell> {
        let known = self.state.as_ref().ok();
        let health = match known {
            Some(_) => Cell::text("up").tinted(Tint::Good),
            None => Cell::text("down").tinted(Tint::Bad),
        };
        let ready = match known.map(|known| known.health.ready) {
            Some(true) => Cell::text("yes").tinted(Tint::Good),
            Some(false) => Cell::text("no").tinted(Tint::Warning),
            None => Cell::text("–").tinted(Tint::Dim),
        };
        let figure = |show: fn(&Known) -> Option<String>| Cell::maybe(known.and_then(show));
        let errors = known.map(|known| known.health.metrics.errors);
        let errors_tint = if errors.unwrap_or(0) > 0 {
            Tint::Warning
        } else {
            Tint::Plain
        };
        vec![
            Cell::text(self.name).tinted(Tint::Bold),
            Cell::text(&self.url),
            health,
            ready,
            figure(|known| Some(uptime(known.health.whole_seconds()))),
            figure(|known| Some(count(known.tracer.total_traces))),
            figure(|known| Some(rate(known.tracer.throughput))),
            figure(|known| known.tracer.p50_latency.map(duration)),
            figure(|known| known.tracer.p99_latency.map(duration)),
            match errors {
                Some(errors) => Cell::figure(&count(errors)).tinted(errors_tint),
                None => Cell::maybe(None),
            },
        ]
    }

    /// Says what is wrong, a line each.
    pub(super) fn notes(&self) -> Vec<String> {
        let known = match &self.state {
            Err(silence) => return vec![format!("{} is down: {silence}", self.name)],
            Ok(known) if known.health.ready => return Vec::new(),
            Ok(known) => known,
        };
        let checks = known.health.checks.iter();
        let failing = checks
            .filter_map(|(check, outcome)| Some(format!("{check}: {}", outcome.error.as_ref()?)));
        let failing: Vec<_> = failing.collect();
        // A service that drains passes its checks and is not ready all the same.
        let why = if failing.is_empty() {
            "it is stopping".to_owned()
        } else {
            failing.join("; ")
        };
        vec![format!("{} is not ready: {why}", self.name)]
    }

    pub(super) fn to_json(&self) -> Value {
        match &self.state {
            Ok(known) => json!({
                "service": self.name,
                "address": self.url,
                "health": "up",
                "ready": known.health.ready,
                "uptime": known.health.uptime,
                "requests": known.tracer.total_traces,
                "throughput": known.tracer.throughput,
                "p50Latency": known.tracer.p50_latency,
                "p99Latency": known.tracer.p99_latency,
                "errors": known.health.metrics.errors,
            }),
            Err(silence) => json!({
                "service": self.name,
                "address": self.url,
                "health": "down",
                "ready": false,
                "error": silence.to_string(),
            }),
        }
    }
}

impl Health {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no process is up that long"
    )]
    fn whole_seconds(&self) -> u64 {
        self.uptime as u64
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One service that is well, one that is not ready, and one that is down.
    pub(in crate::status) fn three() -> Vec<Report> {
        let known = |health: Value, tracer: Value| {
            let health = serde_json::from_value(health).unwrap();
            let Observability { tracer } =
                serde_json::from_value(json!({ "tracer": tracer })).unwrap();
            Ok(Known { health, tracer })
        };
        let report = |name, port, state| Report {
            name,
            url: format!("http://127.0.0.1:{port}"),
            state,
        };
        vec![
            report(
                "web",
                3000,
                known(
                    json!({ "ready": true, "uptime": 125.9, "checks": {}, "metrics": { "errors": 12 } }),
                    json!({ "totalTraces": 1245, "throughput": 3.4, "p50Latency": 2.2, "p99Latency": 9.8 }),
                ),
            ),
            report(
                "training",
                3001,
                known(
                    json!({ "ready": false, "uptime": 3, "checks": { "database": { "status": "fail", "error": "locked" }, "disk": {} }, "metrics": { "errors": 0 } }),
                    json!({ "totalTraces": 0, "throughput": 0.0, "p50Latency": null, "p99Latency": null }),
                ),
            ),
            report("budget", 3003, Err(Silence::Unreachable)),
        ]
    }

    #[test]
    fn json_says_of_a_service_that_is_down_why() {
        let shown: Vec<_> = three().iter().map(Report::to_json).collect();
        assert_eq!(shown[0]["requests"], 1245);
        assert_eq!(shown[1]["p99Latency"], Value::Null);
        assert_eq!(shown[2]["error"], "nothing answers there");
        assert!(three()[0].is_ready() && !three()[1].is_ready() && !three()[2].is_ready());
    }

    #[test]
    fn a_service_that_stops_says_so() {
        let mut reports = three();
        let Ok(known) = &mut reports[1].state else {
            unreachable!()
        };
        known.health.checks.clear();
        assert_eq!(
            reports[1].notes(),
            ["training is not ready: it is stopping"]
        );
    }
}

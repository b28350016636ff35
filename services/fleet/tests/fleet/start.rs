//! A fleet starts, says where it is, traces a request across services, and stops.

use std::collections::{BTreeSet, HashMap};

use http::{HeaderValue, Method};
use serde_json::{Value, json};
use tooloo_testkit::{
    client::{Client, Reply, request},
    fleet::FleetProcess,
};

use crate::{
    SERVICES, fleet,
    shape::{HEALTH, OBSERVABILITY, assert_shape},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "00f067aa0ba902b7";

#[tokio::test]
async fn one_process_runs_every_service_and_stops_when_told_to() {
    let fleet = fleet("drain_grace = '0s'").start().await;
    let client = Client::new();
    for service in SERVICES {
        let line = fleet.stdout();
        let line = line
            .lines()
            .find(|line| line.starts_with(&format!("{service} ")));
        let line = line.unwrap_or_else(|| panic!("no line of {service} in {}", fleet.stdout()));
        assert!(line.contains(&fleet.url(service, "")), "{line}");
        client.get(fleet.url(service, "/api/v1/nowhere")).await;

        let observability = client
            .get(fleet.url(service, "/api/v1/system/observability"))
            .await
            .json();
        assert_shape(service, &observability, OBSERVABILITY);
        assert_eq!(observability["service"], service);
        let health = client.get(fleet.url(service, "/health")).await.json();
        assert_shape(service, &health, HEALTH);
        assert_eq!(
            (&health["ok"], &health["ready"]),
            (&json!(true), &json!(true)),
            "{health}"
        );
    }
    // What the start-up says to try works as it stands there.
    let stdout = fleet.stdout();
    let commands = stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("curl '"));
    let urls: Vec<_> = commands
        .filter_map(|line| line.split_once('\''))
        .map(|(url, _)| url.to_owned())
        .collect();
    assert!(urls.len() >= 4, "{stdout}");
    for url in urls {
        assert_eq!(client.get(&url).await.status, 200, "{url}");
    }
    assert_status(&fleet).await;

    let launch = fleet.launch().clone();
    fleet.interrupt();
    let exit = fleet.wait().await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let port = launch.base_port().to_string();
    let down = launch.run(&["status", "--base-port", &port]).await;
    assert_eq!(down.code, Some(1), "{}", down.stdout);
    assert_eq!(
        down.stdout.matches(" is down: ").count(),
        SERVICES.len() + 1,
        "{}",
        down.stdout
    );
}

async fn assert_status(fleet: &FleetProcess) {
    let port = fleet.launch().base_port().to_string();
    let status = fleet.launch().run(&["status", "--base-port", &port]).await;
    assert_eq!(status.code, Some(0), "{}{}", status.stdout, status.stderr);
    for service in SERVICES {
        let line = status
            .stdout
            .lines()
            .find(|line| line.starts_with(service))
            .unwrap_or_default();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(
            words.get(2..4),
            Some(&["up", "yes"][..]),
            "{}",
            status.stdout
        );
    }
    assert!(
        !status.stdout.contains('\u{1b}'),
        "a pipe gets no colours: {}",
        status.stdout
    );

    let status = fleet
        .launch()
        .run(&["status", "--json", "--base-port", &port])
        .await;
    let status: Value = serde_json::from_str(&status.stdout).expect("it is JSON");
    assert_eq!(status["ok"], true);
    assert_eq!(
        status["services"].as_array().map(Vec::len),
        Some(SERVICES.len() + 1)
    );
}

#[tokio::test]
async fn a_request_through_web_is_one_trace_across_services() {
    let fleet = fleet("sampling_rate = 1.0\ndrain_grace = '0s'")
        .start()
        .await;
    let client = Client::new();
    let mut boost = request(
        Method::POST,
        fleet.url("web", "/api/v1/auto-coach/boost"),
        Some(&json!({ "rounds": 1 })),
    );
    let parent = format!("00-{TRACE}-{CALLER}-01");
    boost
        .headers_mut()
        .insert("traceparent", HeaderValue::from_str(&parent).unwrap());
    let reply = client.send(boost).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert_eq!(reply.trace_id(), Some(TRACE), "the caller's trace goes on");
    assert_eq!(reply.json()["traceId"], TRACE);

    let spans = gather(&fleet, &client).await;
    let services: BTreeSet<_> = spans
        .iter()
        .filter_map(|span| span["service"].as_str())
        .collect();
    assert!(
        services.is_superset(&["web", "coach", "training"].into()),
        "{services:?}"
    );
    let by_id: HashMap<_, _> = spans
        .iter()
        .map(|span| (span["spanId"].as_str().unwrap(), span))
        .collect();
    for span in &spans {
        assert_eq!(span["traceId"], TRACE);
        let parent = span["parentSpanId"]
            .as_str()
            .expect("none of them begins the trace");
        if span["service"] == "web" && span["kind"] == "server" {
            assert_eq!(parent, CALLER);
            continue;
        }
        let parent = by_id
            .get(parent)
            .unwrap_or_else(|| panic!("the parent of {span} is missing"));
        // A server's parent is the client in the service that called it; all else stays at home.
        let crosses = parent["service"] != span["service"];
        assert_eq!(crosses, span["kind"] == "server", "{span} under {parent}");
        assert!(
            !crosses || parent["kind"] == "client",
            "{span} under {parent}"
        );
    }
    assert_waterfall(&fleet, &spans).await;
}

async fn gather(fleet: &FleetProcess, client: &Client) -> Vec<Value> {
    let mut spans = Vec::new();
    for service in SERVICES {
        let reply: Reply = client
            .get(fleet.url(service, &format!("/api/v1/system/traces/{TRACE}")))
            .await;
        if reply.status == 200 {
            spans.extend(
                reply.json()["spans"]
                    .as_array()
                    .expect("a trace has spans")
                    .iter()
                    .cloned(),
            );
        } else {
            assert_eq!(reply.status, 404, "{}", reply.text());
        }
    }
    spans
}

async fn assert_waterfall(fleet: &FleetProcess, spans: &[Value]) {
    let port = fleet.launch().base_port().to_string();
    let run = async |args: &[&str]| {
        fleet
            .launch()
            .run(&[&["trace", "--base-port", &port], args].concat())
            .await
    };

    let drawn = run(&[TRACE]).await;
    assert_eq!(drawn.code, Some(0), "{}", drawn.stderr);
    assert!(
        drawn.stdout.starts_with(&format!("trace {TRACE}")),
        "{}",
        drawn.stdout
    );
    let rows: Vec<_> = drawn.stdout.lines().skip(3).collect();
    assert_eq!(rows.len(), spans.len(), "{}", drawn.stdout);
    assert!(
        rows[0].starts_with("web ") && !rows[0].contains('─'),
        "{}",
        drawn.stdout
    );
    assert!(
        rows[1..].iter().all(|row| row.contains("─ ")),
        "{}",
        drawn.stdout
    );
    assert!(
        rows.iter().all(|row| row.contains(['━', '╸', '╺'])),
        "{}",
        drawn.stdout
    );

    let listed: Value = serde_json::from_str(
        &run(&["--json", &format!("00-{TRACE}-{CALLER}-01")])
            .await
            .stdout,
    )
    .expect("it is JSON");
    assert_eq!(listed["spans"].as_array().map(Vec::len), Some(spans.len()));

    let unknown = run(&["11111111111111111111111111111111"]).await;
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.stderr.contains("no service knows the trace 1111"),
        "{}",
        unknown.stderr
    );
    let malformed = run(&["4bf9"]).await;
    assert_eq!(malformed.code, Some(1));
    assert!(
        malformed.stderr.contains("\"4bf9\" is no trace id"),
        "{}",
        malformed.stderr
    );
}

//! The dashboard in a real browser.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::{net::SocketAddr, process::Command, time::Duration};

use axum::{Json, Router, http::StatusCode, routing::get};
use serde_json::{Value, json};
use tokio::{
    net::{TcpListener, TcpSocket},
    task::spawn_blocking,
    time::timeout,
};
use tooloo_service::{Settings, Shutdown, directory};
use web::{SERVICE, WebConfig};

const PATIENCE: Duration = Duration::from_secs(120);

/// The figures of a service that calls one of its spans by a dangerous name.
fn figures() -> Value {
    json!({
        "service": "training",
        "tracer": {
            "activeTraces": 1, "totalTraces": 4321, "errorRate": 0.25, "throughput": 7.5,
            "p50Latency": 1.25, "p99Latency": null,
            "routes": [{"method": "GET", "route": "/a/{b}", "count": 4321, "errors": 9, "p50Latency": 1.0, "p99Latency": 2.0}],
            "spans": [{
                "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "spanId": "00f067aa0ba902b7",
                "parentSpanId": null, "name": "<img src=x onerror=alert(1)>", "service": "training",
                "startTime": "2025-11-14T12:30:00Z", "duration": 12.5, "status": "success", "attributes": {},
            }],
        },
        "circuitBreakers": {"budget": {"status": "open"}},
    })
}

/// Returns an address at which nothing listens.
fn nowhere() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let address = socket.local_addr().unwrap();
    // Bound as long as the process lives: no other test gets the port, and nobody listens there.
    std::mem::forget(socket);
    address
}

/// Returns the page as Chromium sees it after some seconds of its time.
fn seen_by_chromium(url: &str) -> String {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--virtual-time-budget=6000", "--dump-dom", url])
        .output()
        .expect("chromium is installed");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs chromium"]
async fn shows_every_service_and_takes_nothing_they_say_for_markup() {
    let training = Router::new()
        .route(
            "/api/v1/system/observability",
            get(|| async { Json(figures()) }),
        )
        .route(
            "/readyz",
            get(|| async { (StatusCode::SERVICE_UNAVAILABLE, Json(json!({}))) }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let up = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, training).await.unwrap() });

    let folder = tempfile::tempdir().unwrap();
    let nowhere = nowhere();
    let mut settings: Settings<WebConfig> = Settings::for_tests(&SERVICE, folder.path());
    for entry in directory::SERVICES {
        let address = if entry.name == "training" {
            up
        } else {
            nowhere
        };
        let base = format!("http://{address}").parse().unwrap();
        settings.kit.peers.insert(entry.name.to_owned(), base);
    }
    let app = web::app(settings).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (_never, shutdown) = Shutdown::manual();
        tooloo_service::serve(vec![(app, listener)], shutdown)
            .await
            .unwrap();
    });

    let looking = spawn_blocking(move || seen_by_chromium(&url));
    let page = timeout(PATIENCE, looking)
        .await
        .expect("the page in time")
        .unwrap();
    assert!(
        page.contains("Live, but down: meta, budget, coach"),
        "{page}"
    );
    for entry in directory::SERVICES {
        assert!(
            page.contains(&format!("<h3>{}</h3>", entry.name)),
            "{} is missing: {page}",
            entry.name
        );
    }
    for shown in [
        "2 of 8",
        "not ready",
        "4,321",
        "7.50/s",
        "25 %",
        "1.25 ms",
        "GET /a/{b}",
        "Breaker budget: open",
    ] {
        assert!(page.contains(shown), "{shown} is missing: {page}");
    }
    assert!(
        page.contains("&lt;img src=x onerror=alert(1)&gt;"),
        "{page}"
    );
    assert!(!page.contains("<img src=\"x\""), "{page}");
    // A figure that is not known is a dash.
    assert!(page.contains("<dt>p99</dt><dd>–</dd>"), "{page}");
}

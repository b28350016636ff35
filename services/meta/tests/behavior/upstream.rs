//! Training gone, broken, or with more to tell than is asked of it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Json, Router, extract::RawQuery, routing};
use http::{StatusCode, Uri};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

use crate::fleet::{address, ask, meta_beside};

const ALL: [&str; 5] = [
    "insights",
    "report",
    "trajectory",
    "detect-plateau",
    "predict-plateau",
];

/// Serves `router` in training's place.
async fn stand_in(router: Router) -> Uri {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = address(&listener);
    tokio::spawn(async move { axum::serve(listener, router).await });
    base
}

fn overview() -> Value {
    let topic = json!({"id": "logic", "name": "Logic", "mastery": 0.5});
    json!({"masteryThreshold": 0.95, "topics": [topic]})
}

fn round(id: usize) -> Value {
    json!({
        "id": id, "topic": "logic", "session": null, "correct": true,
        "masteryBefore": 0.5, "mastery": 0.5, "at": "2025-11-14T12:00:00Z",
    })
}

fn training(history: routing::MethodRouter) -> Router {
    Router::new()
        .route("/api/v1/training/history", history)
        .route(
            "/api/v1/training/overview",
            routing::get(async || Json(overview())),
        )
}

fn parameter(query: &str, name: &str) -> usize {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let mut values = pairs
        .filter(|(key, _)| *key == name)
        .filter_map(|(_, value)| value.parse().ok());
    values.next().unwrap_or(0)
}

#[tokio::test]
async fn says_that_training_cannot_be_reached() {
    let folder = TempDir::new().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = address(&listener);
    drop(listener);
    let meta = meta_beside(nobody, &folder).await.router();
    for path in ALL {
        let (status, problem) = ask(&meta, path).await;
        assert_eq!(status, StatusCode::BAD_GATEWAY, "{path}: {problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("training"),
            "{problem}"
        );
    }
    // A request that makes no sense is told so first.
    let (status, _) = ask(&meta, "report?window=1").await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn says_that_training_gave_no_usable_answer() {
    let folder = TempDir::new().unwrap();
    let no_mastery = json!({
        "rounds": [{
            "id": 1, "topic": "logic", "correct": true, "masteryBefore": 0.5, "mastery": 7,
            "at": "2025-11-14T12:00:00Z",
        }],
        "next": null, "newest": 1,
    });
    let leads_back = json!({"rounds": [], "next": 0, "newest": 1});
    for history in [json!({"rows": []}), json!("moved"), no_mastery, leads_back] {
        let shown = history.to_string();
        let base = stand_in(training(routing::get(async move || Json(history)))).await;
        let meta = meta_beside(base, &folder).await.router();
        let (status, problem) = ask(&meta, "insights").await;
        assert_eq!(status, StatusCode::BAD_GATEWAY, "{shown}: {problem}");
        assert!(
            problem["detail"].as_str().unwrap().contains("training"),
            "{problem}"
        );
    }
    let failing = routing::get(async || StatusCode::INTERNAL_SERVER_ERROR);
    let meta = meta_beside(stand_in(training(failing)).await, &folder)
        .await
        .router();
    let (status, _) = ask(&meta, "insights").await;
    assert_eq!(status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn leaves_training_alone_once_it_fails_too_often() {
    let folder = TempDir::new().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let failing = routing::get(async move || {
        counted.fetch_add(1, Ordering::Relaxed);
        StatusCode::INTERNAL_SERVER_ERROR
    });
    let app = meta_beside(stand_in(training(failing)).await, &folder).await;
    for call in 0..12 {
        let (status, problem) = ask(&app.router(), "insights").await;
        if call < 10 {
            assert_eq!(status, StatusCode::BAD_GATEWAY, "{problem}");
        } else {
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{problem}");
            assert_eq!(problem["code"], "circuit_open");
            assert!(problem["retryAfter"].as_u64() > Some(20), "{problem}");
        }
    }
    assert_eq!(calls.load(Ordering::Relaxed), 10);
    let told = app.hub().snapshot();
    let breaker = &told["circuitBreakers"]["training"];
    assert_eq!(
        [
            &breaker["callCount"],
            &breaker["failureCount"],
            &breaker["rejectedCount"]
        ],
        [10, 10, 2]
    );
    assert_eq!(breaker["status"], "open");
}

#[tokio::test]
async fn reads_the_newest_rounds_of_a_long_history_and_no_more() {
    const NEWEST: usize = 12_345;
    let folder = TempDir::new().unwrap();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let history = routing::get(async move |RawQuery(query): RawQuery| {
        counted.fetch_add(1, Ordering::Relaxed);
        let query = query.unwrap_or_default();
        let (since, limit) = (parameter(&query, "since"), parameter(&query, "limit"));
        let last = NEWEST.min(since + limit);
        let rounds: Vec<_> = (since + 1..=last).map(round).collect();
        let next = (last < NEWEST).then_some(last);
        Json(json!({"rounds": rounds, "next": next, "newest": NEWEST}))
    });
    let meta = meta_beside(stand_in(training(history)).await, &folder)
        .await
        .router();

    let (status, answer) = ask(&meta, "trajectory?topic=logic&window=500").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let coverage = &answer["coverage"];
    assert_eq!(
        (&coverage["rounds"], &coverage["truncated"]),
        (&json!(5_000), &json!(true))
    );
    assert_eq!(answer["points"][499]["round"], NEWEST);
    assert_eq!(answer["status"], "plateau");
    assert_eq!(calls.load(Ordering::Relaxed), 6);
}

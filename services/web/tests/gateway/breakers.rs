//! Services that fail and are left alone, and those beside them.

use std::{num::NonZeroU32, time::Duration};

use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tooloo_circuit_breaker::CircuitBreakerConfig;
use tooloo_service::{Secret, Settings};
use tooloo_testkit::{Answer, Client, Reply, Upstream, client::request};
use web::WebConfig;

use crate::stand::Stand;

const TOKEN: &str = "hunter2";
const TRAINING: &str = "/api/v1/training/overview";
const BUDGET: &str = "/api/v1/budget";

/// Puts a gateway before `upstream`, which leaves a service alone after three failures in a row.
async fn stand(upstream: &Upstream) -> Stand {
    Stand::before_address(upstream.address(), |settings: &mut Settings<WebConfig>| {
        let three = NonZeroU32::new(3);
        settings.domain.circuit_breaker =
            CircuitBreakerConfig::new().with_consecutive_failures(three);
        settings.domain.upstream_timeout = Duration::from_millis(100);
        settings.kit.admin_token = Some(Secret::new(TOKEN));
    })
    .await
}

async fn set(stand: &Stand, name: &str, state: &str) -> Reply {
    let url = stand.url(&format!("/api/v1/system/circuit-breakers/{name}"));
    let mut request = request(Method::POST, url, Some(&json!({ "state": state })));
    let bearer = HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
    request.headers_mut().insert("authorization", bearer);
    Client::new().send(request).await
}

async fn statuses(stand: &Stand, path: &str, calls: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..calls {
        statuses.push(Client::new().get(stand.url(path)).await.status.as_u16());
    }
    statuses
}

async fn breaker(stand: &Stand, name: &str) -> Value {
    let told = Client::new()
        .get(stand.url("/api/v1/system/observability"))
        .await;
    told.json()["circuitBreakers"][name].clone()
}

fn assert_counts(breaker: &Value, status: &str, [calls, failures, rejected]: [u64; 3]) {
    assert_eq!(breaker["status"], status, "{breaker}");
    let counts = ["callCount", "failureCount", "rejectedCount"];
    let counts = counts.map(|count| breaker[count].as_u64().unwrap());
    assert_eq!(counts, [calls, failures, rejected], "{breaker}");
    assert_eq!(breaker["lastFailureTime"].is_null(), failures == 0);
}

#[tokio::test]
async fn a_service_that_fails_is_left_alone_and_the_others_are_not() {
    let upstream = Upstream::start().await;
    upstream.answer_by(|request| {
        Answer::new(if request.uri.path() == TRAINING {
            StatusCode::INTERNAL_SERVER_ERROR
        } else {
            StatusCode::OK
        })
    });
    let stand = stand(&upstream).await;
    assert_eq!(
        statuses(&stand, TRAINING, 5).await,
        [500, 500, 500, 503, 503]
    );
    assert_eq!(statuses(&stand, BUDGET, 2).await, [200, 200]);
    let asked = upstream.received().into_iter();
    assert_eq!(
        asked.filter(|asked| asked.uri.path() == TRAINING).count(),
        3
    );

    let refused = Client::new().get(stand.url(TRAINING)).await;
    let problem = refused.json();
    assert_eq!(problem["code"], "circuit_open", "{problem}");
    assert_eq!(problem["instance"], TRAINING);
    assert!(problem["detail"].as_str().unwrap().contains("training"));
    let wait = refused.header("retry-after").unwrap();
    assert_eq!(problem["retryAfter"].to_string(), wait);
    // Half a minute, a tenth more or less.
    assert!((26..=33).contains(&wait.parse::<u64>().unwrap()), "{wait}");

    assert_counts(&breaker(&stand, "training").await, "open", [3, 3, 3]);
    assert_counts(&breaker(&stand, "budget").await, "closed", [2, 0, 0]);
    assert_counts(&breaker(&stand, "coach").await, "closed", [0, 0, 0]);
}

#[tokio::test]
async fn no_answer_is_a_failure_and_what_lies_behind_a_service_is_not() {
    let upstream = Upstream::start().await;
    let stand = stand(&upstream).await;
    for status in [502, 504, 404] {
        upstream.answer(Answer::new(StatusCode::from_u16(status).unwrap()));
        assert_eq!(statuses(&stand, TRAINING, 4).await, [status; 4]);
    }
    assert_counts(&breaker(&stand, "training").await, "closed", [12, 0, 0]);
    upstream.answer(Answer::new(StatusCode::OK).with_latency(Duration::from_secs(60)));
    assert_eq!(statuses(&stand, TRAINING, 4).await, [504, 504, 504, 503]);
    assert_counts(&breaker(&stand, "training").await, "open", [15, 3, 1]);
}

#[tokio::test]
async fn an_administrator_sets_a_breaker() {
    let upstream = Upstream::start().await;
    let stand = stand(&upstream).await;
    for (state, status, expected) in [
        ("forced-open", "forced-open", 503),
        ("disabled", "disabled", 200),
        ("closed", "closed", 200),
        ("auto", "closed", 200),
    ] {
        let reply = set(&stand, "budget", state).await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert_eq!(reply.json()["circuitBreaker"]["status"], status);
        assert_eq!(statuses(&stand, BUDGET, 1).await, [expected], "{state}");
        assert_eq!(statuses(&stand, TRAINING, 1).await, [200], "{state}");
    }
    upstream.answer(Answer::new(StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(statuses(&stand, BUDGET, 4).await, [500, 500, 500, 503]);
    upstream.answer(Answer::new(StatusCode::OK));
    assert_eq!(set(&stand, "budget", "closed").await.status, 200);
    assert_eq!(statuses(&stand, BUDGET, 1).await, [200]);

    let unknown = set(&stand, "nobody", "auto").await;
    assert_eq!(unknown.status, 404);
    let detail = unknown.json()["detail"].to_string();
    assert!(detail.contains("budget, capabilities, coach"), "{detail}");
}

#[tokio::test]
async fn the_fleet_is_looked_at_past_open_breakers() {
    let upstream = Upstream::start().await;
    upstream.answer(
        Answer::new(StatusCode::OK)
            .with_header("content-type", "application/json")
            .with_chunks(["{}"]),
    );
    let stand = stand(&upstream).await;
    assert_eq!(set(&stand, "training", "forced-open").await.status, 200);
    let fleet = Client::new()
        .get(stand.url("/api/v1/system/fleet"))
        .await
        .json();
    let services = fleet["services"].as_array().unwrap();
    let training = services.iter().find(|found| found["service"] == "training");
    assert_eq!(training.unwrap()["ok"], true, "{fleet}");
}

//! How often a client may ask, and what it is told.

#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod rig;

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use budget::BudgetConfig;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use rig::{Rig, assert_problem, completion, provider, providers, settings_in, within};
use serde_json::{Value, json};
use tempfile::TempDir;
use tooloo_service::Secret;
use tooloo_testkit::{Answer, Gate, RedisServer, Reply, Upstream, client};
use tower::ServiceExt;

const BURST: &str = "/api/v1/providers/burst";
const STATUS: &str = "/api/v1/providers/resilience-status";

fn limit(config: &mut BudgetConfig, quota: &Value) {
    let limits = json!({"tiers": [{"name": "burst", "quota": quota}]});
    config.rate_limit = serde_json::from_value(limits).unwrap();
}

/// Asks as the client with this key.
async fn ask_as(rig: &Rig, key: &str, prompt: &str) -> Reply {
    let url = rig.budget.url(BURST);
    let body = json!({"prompt": prompt});
    let mut request = client::request(http::Method::POST, url, Some(&body));
    let headers = request.headers_mut();
    headers.insert("x-api-key", key.parse().unwrap());
    within(tooloo_testkit::Client::new().send(request)).await
}

/// Asks for nothing, which is refused, but counts.
async fn ask_for_nothing(router: &Router) -> Response<Body> {
    let peer: SocketAddr = "203.0.113.9:80".parse().unwrap();
    let request = Request::get("/api/v1/providers/burst?prompt=")
        .extension(ConnectInfo(peer))
        .body(Body::empty())
        .unwrap();
    router.clone().oneshot(request).await.unwrap()
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> &'a str {
    response.headers()[name].to_str().unwrap()
}

#[tokio::test]
async fn whoever_waits_as_long_as_told_is_let_through_and_not_before() {
    let folder = TempDir::new().unwrap();
    let mut settings = settings_in(folder.path()).await;
    let quota = json!({"limit": 1, "period": "10s", "burst": 2});
    limit(&mut settings.domain, &quota);
    let app = budget::app(settings).await.unwrap();
    let router = app.router();
    // Once the database is open: what takes its time there is not to be a jump of the clock.
    tokio::time::pause();

    for remaining in ["1", "0"] {
        let response = ask_for_nothing(&router).await;
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(header(&response, "x-ratelimit-limit"), "2");
        assert_eq!(header(&response, "x-ratelimit-remaining"), remaining);
        assert_eq!(header(&response, "ratelimit-policy"), r#""burst";q=2;w=20"#);
    }
    let refused = ask_for_nothing(&router).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&refused, "retry-after"), "10");
    assert_eq!(header(&refused, "ratelimit"), r#""burst";r=0;t=10"#);
    assert_eq!(header(&refused, "content-type"), "application/problem+json");

    tokio::time::advance(Duration::from_millis(9_900)).await;
    let status = ask_for_nothing(&router).await.status();
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    tokio::time::advance(Duration::from_millis(100)).await;
    let status = ask_for_nothing(&router).await.status();
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    app.shutdown().await;
}

#[tokio::test]
async fn an_answer_that_is_shared_counts_for_everyone_who_asked() {
    let upstream = Upstream::start().await;
    let gate = Gate::shut();
    let answer = Answer::new(StatusCode::OK).with_chunks([completion("yes", (1, 1))]);
    upstream.answer(answer.with_gate(gate.clone()));
    let rig = Rig::start(|config| {
        limit(config, &json!({"limit": 1, "period": "1h", "burst": 5}));
        providers(config, &[provider("up", upstream.url("/"), &json!({}))]);
    })
    .await;
    let asking = join_all((0..5).map(|_| ask_as(&rig, "ada", "the question")));
    let opening = async {
        let coalesced = json!({"inFlight": 1, "coalesced": 4});
        let together = |status: &Value| status["deduplicator"] == coalesced;
        rig.budget.until(STATUS, together).await;
        gate.open();
    };
    let (replies, ()) = within(Box::pin(async { tokio::join!(asking, opening) })).await;
    for reply in replies {
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert!(reply.header("ratelimit").is_some());
    }
    assert_eq!(upstream.received().len(), 1);

    let refused = ask_as(&rig, "ada", "one more").await;
    assert_problem(&refused, 429, "quota is spent");
    assert_eq!(refused.header("retry-after"), Some("3600"));
    assert_eq!(refused.json()["code"], "rate_limited");
    assert!(refused.trace_id().is_some());
    let other = ask_as(&rig, "bob", "one more").await;
    assert_eq!(other.status, StatusCode::OK, "{}", other.text());
    assert_eq!(other.header("x-ratelimit-remaining"), Some("4"));
    // To look is not limited.
    let status = rig.budget.get(STATUS).await;
    assert_eq!(status.header("x-ratelimit-limit"), None);

    let shown = status.json()["rateLimiter"].clone();
    assert_eq!(
        (&shown["totalRequests"], &shown["allowedRequests"]),
        (&json!(7), &json!(6))
    );
    assert_eq!(
        (&shown["deniedRequests"], &shown["activeKeys"]),
        (&json!(1), &json!(2))
    );
    let observability = rig.budget.get("/api/v1/system/observability").await.json();
    assert_eq!(observability["rateLimiter"], shown);
}

/// Starts the service with two providers that answer, and an administrator.
async fn with_an_administrator() -> (Rig, Upstream) {
    let upstream = Upstream::start().await;
    upstream.answer(Answer::new(StatusCode::OK).with_chunks([completion("yes", (1, 1))]));
    let rig = Rig::start_with(|settings| {
        settings.kit.admin_token = Some(Secret::new("sesame"));
        let quota = json!({"limit": 1, "period": "1h", "burst": 3});
        limit(&mut settings.domain, &quota);
        settings.domain.clients.trust_client_id = true;
        let list = ["first", "second"].map(|name| provider(name, upstream.url("/"), &json!({})));
        providers(&mut settings.domain, &list);
    })
    .await;
    (rig, upstream)
}

async fn administer(rig: &Rig, method: http::Method, path: &str, body: &Value) -> Reply {
    let mut request = client::request(method, rig.budget.url(path), Some(body));
    let token = "Bearer sesame".parse().unwrap();
    request.headers_mut().insert("authorization", token);
    within(tooloo_testkit::Client::new().send(request)).await
}

#[tokio::test]
async fn an_administrator_takes_a_provider_out_and_puts_it_back() {
    let (rig, _upstream) = with_an_administrator().await;
    let set = async |name: &str, state: &str| {
        let path = format!("/api/v1/system/circuit-breakers/{name}");
        let reply = administer(&rig, http::Method::POST, &path, &json!({"state": state})).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    };
    set("first", "forced-open").await;
    let answer = ask_as(&rig, "a", "who is there?").await.json();
    let passed_over = json!([{"provider": "first", "reason": "circuit-open"}]);
    assert_eq!(
        (&answer["provider"], &answer["failover"]),
        (&json!("second"), &passed_over)
    );
    let status = rig.budget.get("/api/v1/providers/status").await.json();
    let first = &status["providers"][0];
    assert_eq!(first["circuitBreaker"], "forced-open");
    assert_eq!(
        (&first["available"], &first["retryAfter"]),
        (&json!(false), &Value::Null)
    );

    set("second", "forced-open").await;
    let reply = ask_as(&rig, "b", "anyone?").await;
    assert_problem(&reply, 503, "first is left alone");
    set("first", "auto").await;
    let answer = ask_as(&rig, "c", "and now?").await.json();
    assert_eq!(answer["provider"], "first", "{answer}");
}

#[tokio::test]
async fn an_administrator_gives_a_client_a_quota_of_its_own() {
    let (rig, _upstream) = with_an_administrator().await;
    let path = "/api/v1/system/rate-limits/ada";
    let quota = json!({"limit": 1, "period": "1h", "burst": 1});
    let reply = administer(&rig, http::Method::PUT, path, &quota).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let ask = async |client: &str, prompt: &str| {
        let body = json!({"prompt": prompt});
        let mut request = client::request(http::Method::POST, rig.budget.url(BURST), Some(&body));
        let client = client.parse().unwrap();
        request.headers_mut().insert("x-client-id", client);
        within(tooloo_testkit::Client::new().send(request))
            .await
            .status
    };
    assert_eq!(ask("ada", "one").await, StatusCode::OK);
    assert_eq!(ask("ada", "two").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask("bob", "one").await, StatusCode::OK);
    assert_eq!(ask("bob", "two").await, StatusCode::OK);
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn two_services_on_one_redis_admit_what_one_would() {
    let redis = RedisServer::start().await;
    let start = async || {
        Rig::start_with(|settings| {
            settings.kit.redis_url = Some(Secret::new(redis.url()));
            // Whoever cannot ask the store would count alone.
            let store = json!({"outage": "closed", "deadline": "5s"});
            settings.domain.rate_limit_store = serde_json::from_value(store).unwrap();
            let quota = json!({"limit": 1, "period": "1h", "burst": 5});
            limit(&mut settings.domain, &quota);
        })
        .await
    };
    let (one, two) = (start().await, start().await);
    let mut admitted = 0;
    for rig in [&one, &two, &one, &two, &one, &two, &one] {
        // An empty prompt is refused, but counts.
        let status = ask_as(rig, "ada", "").await.status;
        match status {
            StatusCode::UNPROCESSABLE_ENTITY => admitted += 1,
            status => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS),
        }
    }
    assert_eq!(admitted, 5);
}

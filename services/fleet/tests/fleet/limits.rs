//! A flood from one client through web, and breakers and quotas set by hand in every service.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, header};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};
use tooloo_testkit::{
    Answer, Upstream,
    client::{Client, Reply, request},
    fleet::FleetProcess,
};

use crate::{
    PATIENCE, SERVICES, fleet,
    shape::{CIRCUIT_BREAKER, RATE_LIMITER, assert_shape},
};

const PATH: &str = "/api/v1/training/overview";
/// Told anew each time: what reaches its service can be counted there.
const LIVE: &str = "/api/v1/auto-coach/status";
const FLOOD: u64 = 100;
const BURST: u64 = 20;

/// Every service with a breaker, and one of its breakers.
const BREAKERS: [(&str, &str); 5] = [
    ("web", "training"),
    ("meta", "training"),
    ("coach", "budget"),
    ("reports", "training-observability"),
    ("capabilities", "web"),
];

async fn ask(client: &Client, fleet: &FleetProcess, id: &str) -> Reply {
    let mut request = request(Method::GET, fleet.url("web", LIVE), None);
    let id = HeaderValue::from_str(id).expect("a name is a header's value");
    request.headers_mut().insert("x-client-id", id);
    client.send(request).await
}

async fn observability(client: &Client, fleet: &FleetProcess, service: &str) -> Value {
    let url = fleet.url(service, "/api/v1/system/observability");
    client.get(url).await.json()
}

fn seconds(reply: &Reply, header: &str) -> u64 {
    let value = reply.header(header).unwrap_or_default();
    value
        .parse()
        .unwrap_or_else(|_| panic!("{header} is {value:?}"))
}

/// Checks what every limited route tells its client, and returns what is left.
fn assert_told(reply: &Reply) -> u64 {
    assert_eq!(seconds(reply, "x-ratelimit-limit"), BURST);
    assert!(seconds(reply, "x-ratelimit-reset") > 1_700_000_000);
    let left = seconds(reply, "x-ratelimit-remaining");
    let policy = reply.header("ratelimit-policy");
    assert_eq!(policy, Some("\"burst\";q=20;w=40"));
    let limit = reply.header("ratelimit").unwrap_or_default();
    assert!(
        limit.starts_with(&format!("\"burst\";r={left};t=")),
        "{limit}"
    );
    left
}

#[tokio::test]
async fn a_flood_from_one_client_is_told_to_wait_and_another_client_sees_none_of_it() {
    let fleet = fleet(
        "drain_grace = '0s'\n[web.clients]\ntrust_client_id = true\n[web.rate_limit]\n\
         default = { tiers = [{ name = 'burst', quota = { limit = 1, period = '2s', burst = 20 } }] }\n",
    )
    .start()
    .await;
    let client = Client::new();
    let flood = stream::iter(0..FLOOD)
        .map(|_| ask(&client, &fleet, "flood"))
        .buffer_unordered(16)
        .collect::<Vec<_>>();
    let calm = async {
        let mut replies = Vec::new();
        for _ in 0..BURST / 2 {
            replies.push(ask(&client, &fleet, "calm").await);
        }
        replies
    };
    let (flood, calm) = tokio::join!(flood, calm);
    for reply in &calm {
        assert_eq!(reply.status, 200, "{}", reply.text());
        assert!(assert_told(reply) >= BURST / 2 - 1);
    }
    let (admitted, refused): (Vec<_>, Vec<_>) = flood.iter().partition(|reply| reply.status == 200);
    // The burst, and what comes back while the flood lasts.
    assert!((20..=30).contains(&admitted.len()), "{}", admitted.len());
    for reply in &refused {
        assert_eq!(reply.status, 429, "{}", reply.text());
        assert_eq!(assert_told(reply), 0);
        let content_type = reply.header("content-type");
        assert_eq!(content_type, Some("application/problem+json"));
        let wait = seconds(reply, "retry-after");
        assert!((1..=2).contains(&wait), "{wait}");
        let problem = reply.json();
        assert_eq!(problem["retryAfter"], wait);
        assert_eq!(problem["code"], "rate_limited");
        assert_eq!(problem["status"], 429);
    }

    let mut counts = BTreeMap::from([
        ("allowed", admitted.len() + calm.len()),
        ("denied", refused.len()),
    ]);
    // Who waits as long as it is told to is let through, and who does not is not.
    let mut last = ask(&client, &fleet, "flood").await;
    while last.status == 200 {
        *counts.entry("allowed").or_default() += 1;
        last = ask(&client, &fleet, "flood").await;
    }
    let waited = Instant::now() + std::time::Duration::from_secs(seconds(&last, "retry-after"));
    assert_eq!(ask(&client, &fleet, "flood").await.status, 429);
    sleep_until(waited).await;
    assert_eq!(ask(&client, &fleet, "flood").await.status, 200);
    *counts.entry("denied").or_default() += 2;
    *counts.entry("allowed").or_default() += 1;

    let told = observability(&client, &fleet, "web").await["rateLimiter"].clone();
    assert_shape("rateLimiter", &told, RATE_LIMITER);
    assert_eq!(told["allowedRequests"], counts["allowed"]);
    assert_eq!(told["deniedRequests"], counts["denied"]);
    assert_eq!(told["totalRequests"], counts["allowed"] + counts["denied"]);
    let keys = told["topKeys"].as_array().expect("there are keys");
    let of = |name: &str| keys.iter().find(|key| key["key"] == name).cloned();
    let flooded = of("flood").expect("it was busy");
    assert_eq!(flooded["denied"], counts["denied"]);
    assert_eq!(flooded["allowed"], counts["allowed"] - calm.len());
    let calm = json!({"key": "calm", "allowed": calm.len(), "denied": 0});
    assert_eq!(of("calm"), Some(calm));
    // What was refused reached nobody.
    let coach = observability(&client, &fleet, "coach").await;
    let routes = coach["tracer"]["routes"]
        .as_array()
        .expect("there are routes");
    let status = routes.iter().find(|route| route["route"] == LIVE);
    let direct = status.and_then(|route| route["count"].as_u64());
    assert!(direct >= Some(counts["allowed"] as u64), "{routes:?}");
    assert!(direct < Some((counts["allowed"] + counts["denied"]) as u64));
}

#[tokio::test]
async fn an_upstream_that_fails_is_left_alone_and_asked_again_once_it_is_back() {
    let segmentation = Upstream::start().await;
    segmentation.answer(Answer::new(http::StatusCode::INTERNAL_SERVER_ERROR));
    let fleet = fleet(&format!(
        "drain_grace = '0s'\n[web.circuit_breaker]\nconsecutive_failures = 3\nopen_for = '1s'\n\
         probes = 1\n[web.peers]\nsegmentation = '{}'\n",
        segmentation.url("")
    ))
    .start()
    .await;
    let client = Client::new();
    let url = fleet.url("web", "/api/v1/segmentation/status");
    let mut statuses = Vec::new();
    for _ in 0..5 {
        let reply = client.get(&url).await;
        statuses.push(reply.status.as_u16());
        if reply.status == 503 {
            assert_eq!(reply.json()["code"], "circuit_open");
            assert!((1..=2).contains(&seconds(&reply, "retry-after")));
        }
    }
    assert_eq!(statuses, [500, 500, 500, 503, 503]);
    assert_eq!(client.get(fleet.url("web", PATH)).await.status, 200);
    let breakers = observability(&client, &fleet, "web").await["circuitBreakers"].clone();
    let open = &breakers["segmentation"];
    assert_eq!(open["status"], "open");
    let counts = ["callCount", "failureCount", "rejectedCount"].map(|count| open[count].as_u64());
    assert_eq!(counts, [Some(3), Some(3), Some(2)]);

    segmentation.answer(Answer::new(http::StatusCode::OK));
    let back = async { while client.get(&url).await.status != 200 {} };
    timeout(PATIENCE, back).await.expect("a probe closes it");
    let breakers = observability(&client, &fleet, "web").await["circuitBreakers"].clone();
    assert_eq!(breakers["segmentation"]["status"], "closed");
}

/// Sets something by hand, with this token.
async fn set(
    client: &Client,
    method: Method,
    url: String,
    token: &str,
    body: Option<&Value>,
) -> Reply {
    let mut request = request(method, url, body);
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token is plain");
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    client.send(request).await
}

#[tokio::test]
async fn an_administrator_sets_breakers_and_quotas_while_the_fleet_runs() {
    let fleet = fleet("drain_grace = '0s'\nadmin_token = 'sesame'")
        .start()
        .await;
    let client = Client::new();
    for (service, breaker) in BREAKERS {
        let url = || {
            fleet.url(
                service,
                &format!("/api/v1/system/circuit-breakers/{breaker}"),
            )
        };
        let open = json!({"state": "forced-open"});
        let stranger = set(&client, Method::POST, url(), "guess", Some(&open)).await;
        assert_eq!(stranger.status, 401, "{service}: {}", stranger.text());
        let told = observability(&client, &fleet, service).await["circuitBreakers"].clone();
        for (name, breaker) in told.as_object().expect("there are breakers") {
            assert_shape(&format!("{service}.{name}"), breaker, CIRCUIT_BREAKER);
        }
        assert_ne!(told[breaker]["status"], "forced-open", "{service}");

        let reply = set(&client, Method::POST, url(), "sesame", Some(&open)).await;
        assert_eq!(reply.status, 200, "{service}: {}", reply.text());
        let told = observability(&client, &fleet, service).await["circuitBreakers"].clone();
        assert_eq!(told[breaker]["status"], "forced-open", "{service}");
    }
    let refused = client.get(fleet.url("web", PATH)).await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(refused.json()["code"], "circuit_open");
    seconds(&refused, "retry-after");
    let refused = client
        .get(fleet.url("web", "/api/v4/meta-learning/report"))
        .await;
    assert_eq!(refused.status, 503, "{}", refused.text());
    for (service, breaker) in BREAKERS {
        let url = fleet.url(
            service,
            &format!("/api/v1/system/circuit-breakers/{breaker}"),
        );
        let auto = json!({"state": "auto"});
        let reply = set(&client, Method::POST, url, "sesame", Some(&auto)).await;
        assert_eq!(
            reply.json()["circuitBreaker"]["status"],
            "closed",
            "{service}"
        );
    }
    assert_eq!(client.get(fleet.url("web", PATH)).await.status, 200);

    let key = || fleet.url("web", "/api/v1/system/rate-limits/127.0.0.1");
    let quota = json!({"limit": 1, "period": "1h", "burst": 3});
    let reply = set(&client, Method::PUT, key(), "guess", Some(&quota)).await;
    assert_eq!(reply.status, 401);
    let reply = set(&client, Method::PUT, key(), "sesame", Some(&quota)).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    let limited = async { while client.get(fleet.url("web", PATH)).await.status != 429 {} };
    timeout(PATIENCE, limited)
        .await
        .expect("few requests are allowed");
    let reply = set(&client, Method::DELETE, key(), "sesame", None).await;
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["quota"]),
        (200, &Value::Null)
    );
    assert_eq!(client.get(fleet.url("web", PATH)).await.status, 200);
}

#[tokio::test]
async fn without_a_token_nothing_can_be_set() {
    let fleet = fleet("drain_grace = '0s'").start().await;
    let client = Client::new();
    for service in SERVICES {
        let document = client.get(fleet.url(service, "/openapi.json")).await.text();
        for path in ["circuit-breakers/training", "rate-limits/127.0.0.1"] {
            let url = fleet.url(service, &format!("/api/v1/system/{path}"));
            for method in [Method::POST, Method::PUT, Method::DELETE] {
                let reply = set(&client, method, url.clone(), "", Some(&json!({}))).await;
                assert_eq!(reply.status, 404, "{service} {path}");
            }
            let kind = path.split('/').next().unwrap_or_default();
            assert!(!document.contains(kind), "{service} describes {kind}");
        }
    }
}

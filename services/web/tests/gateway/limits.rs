//! Clients that ask too often, and those beside them.

use std::{fs, num::NonZeroU32, time::Duration};

use axum::{Router, http::StatusCode, routing::any};
use http::{HeaderValue, Method, Request};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::timeout};
use tooloo_rate_limit::{PoliciesConfig, Quota, RateLimitConfig, RouteConfig};
use tooloo_service::{Secret, Settings};
use tooloo_testkit::{Client, RedisServer, Reply, client::request};
use web::WebConfig;

use crate::stand::{PATIENCE, Stand};

const PATH: &str = "/api/v1/training/overview";
const TOKEN: &str = "hunter2";

fn hourly(limit: u32) -> RateLimitConfig {
    RateLimitConfig::new(Quota::per_hour(NonZeroU32::new(limit).unwrap()))
}

/// Puts a gateway before an upstream that answers everything.
async fn stand(set: impl FnOnce(&mut Settings<WebConfig>)) -> Stand {
    let upstream = Router::new().fallback(any(|| async { "here" }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, upstream).await.unwrap() });
    Stand::before_address(address, set).await
}

async fn ask(stand: &Stand, method: Method, path: &str, api_key: &str) -> Reply {
    let mut request = request(method, stand.url(path), None);
    let headers = request.headers_mut();
    headers.insert("x-api-key", HeaderValue::from_str(api_key).unwrap());
    Client::new().send(request).await
}

async fn get(stand: &Stand, api_key: &str) -> Reply {
    ask(stand, Method::GET, PATH, api_key).await
}

async fn figures(stand: &Stand) -> Value {
    let told = Client::new()
        .get(stand.url("/api/v1/system/observability"))
        .await;
    told.json()["rateLimiter"].clone()
}

async fn administer(stand: &Stand, method: Method, path: &str, body: Option<&Value>) -> Reply {
    let mut request = request(method, stand.url(path), body);
    let bearer = HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
    request.headers_mut().insert("authorization", bearer);
    Client::new().send(request).await
}

#[tokio::test]
async fn a_client_past_its_quota_is_told_how_long_to_wait_and_others_are_not() {
    let limited = |settings: &mut Settings<WebConfig>| {
        settings.domain.rate_limit = PoliciesConfig::new(hourly(2));
    };
    let stand = stand(limited).await;
    for left in ["1", "0"] {
        let reply = get(&stand, "ada").await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("x-ratelimit-limit"), Some("2"));
        assert_eq!(reply.header("x-ratelimit-remaining"), Some(left));
        let policy = reply.header("ratelimit-policy");
        assert_eq!(policy, Some("\"default\";q=2;w=3600"));
    }
    let refused = get(&stand, "ada").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        refused.header("content-type"),
        Some("application/problem+json")
    );
    let wait = refused.header("retry-after").unwrap();
    assert_eq!(
        refused.header("ratelimit"),
        Some(&*format!("\"default\";r=0;t={wait}"))
    );
    let problem = refused.json();
    assert_eq!(
        (&problem["status"], &problem["code"]),
        (&json!(429), &json!("rate_limited"))
    );
    assert_eq!(problem["retryAfter"].to_string(), wait);
    let wait: u64 = wait.parse().unwrap();
    assert!((1_700..=1_800).contains(&wait), "{wait}");
    // Who asks without a key is told apart too, by address.
    for other in [
        get(&stand, "bob").await,
        Client::new().get(stand.url(PATH)).await,
    ] {
        assert_eq!(other.status, StatusCode::OK);
        assert_eq!(other.header("x-ratelimit-remaining"), Some("1"));
    }
    let told = figures(&stand).await;
    let counts = [
        "totalRequests",
        "allowedRequests",
        "deniedRequests",
        "queuedRequests",
    ];
    assert_eq!(
        counts.map(|count| told[count].as_u64().unwrap()),
        [5, 4, 1, 0]
    );
    assert_eq!(
        (&told["allowRate"], &told["activeKeys"]),
        (&json!(0.8), &json!(3))
    );
    assert_eq!(told["evictedKeys"], 0);
    let busiest = &told["topKeys"][0];
    assert_eq!(
        (&busiest["allowed"], &busiest["denied"]),
        (&json!(2), &json!(1))
    );
    assert!(told["topKeys"].to_string().contains("127.0.0.1"), "{told}");
    assert!(!told.to_string().contains("ada"), "a key is not shown");
}

#[tokio::test]
async fn looking_at_the_fleet_is_not_limited() {
    let stand = stand(|settings| settings.domain.rate_limit = PoliciesConfig::new(hourly(1))).await;
    for path in ["/livez", "/", "/api/v1/system/routes", "/metrics"].repeat(2) {
        let reply = Client::new().get(stand.url(path)).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        assert_eq!(reply.header("x-ratelimit-limit"), None, "{path}");
    }
    assert_eq!(figures(&stand).await["totalRequests"], 0);
}

#[tokio::test]
async fn a_route_has_its_own_quota_where_it_is_given_one() {
    let limited = |settings: &mut Settings<WebConfig>| {
        let route = RouteConfig::new("/api/v1/training/round", hourly(1));
        let policies = PoliciesConfig::new(hourly(2));
        settings.domain.rate_limit = policies
            .with_route(route.with_method(Method::POST))
            .unwrap();
    };
    let stand = stand(limited).await;
    let round = "/api/v1/training/round";
    let mut statuses = Vec::new();
    for (method, path) in [
        (Method::POST, round),
        (Method::POST, round),
        (Method::GET, round),
        (Method::GET, PATH),
        (Method::GET, PATH),
    ] {
        let reply = ask(&stand, method, path, "ada").await;
        statuses.push(reply.status.as_u16());
    }
    assert_eq!(statuses, [200, 429, 200, 200, 429]);
}

#[tokio::test]
async fn in_the_shadow_nobody_is_refused_and_all_is_counted() {
    let limited = |settings: &mut Settings<WebConfig>| {
        settings.domain.rate_limit = PoliciesConfig::new(hourly(1)).with_shadow(true);
    };
    let stand = stand(limited).await;
    for _ in 0..3 {
        assert_eq!(get(&stand, "ada").await.status, StatusCode::OK);
    }
    assert_eq!(figures(&stand).await["deniedRequests"], 2);
}

#[tokio::test]
async fn limits_are_read_again_where_their_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.toml");
    let write = |limit: &str| {
        let tiers = format!("[{{ name = 'a', quota = {{ limit = {limit}, period = '1h' }} }}]");
        fs::write(&file, format!("default = {{ tiers = {tiers} }}")).unwrap();
    };
    write("2");
    let limited = |settings: &mut Settings<WebConfig>| {
        settings.domain.rate_limit_file = Some(file.clone());
        settings.domain.rate_limit_file_interval = Duration::from_millis(5);
    };
    let stand = stand(limited).await;
    for _ in 0..2 {
        assert_eq!(get(&stand, "ada").await.status, StatusCode::OK);
    }
    assert_eq!(
        get(&stand, "ada").await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    // What makes no sense changes nothing; what does is in force soon, and debts are kept.
    write("none");
    assert_eq!(
        get(&stand, "ada").await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    write("3");
    let admitted = async { while get(&stand, "ada").await.status != StatusCode::OK {} };
    timeout(PATIENCE, admitted).await.expect("the new limits");
    assert_eq!(
        get(&stand, "ada").await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
}

#[tokio::test]
async fn limits_that_make_no_sense_keep_the_gateway_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.toml");
    fs::write(&file, "shadows = true").unwrap();
    let mut settings = Settings::<WebConfig>::for_tests(&web::SERVICE, folder.path());
    settings.domain.rate_limit_file = Some(file);
    let error = web::app(settings).await.unwrap_err().to_string();
    assert!(
        error.contains("limits.toml") && error.contains("shadows"),
        "{error}"
    );
}

#[tokio::test]
async fn an_administrator_gives_a_client_a_quota_of_its_own() {
    let limited = |settings: &mut Settings<WebConfig>| {
        settings.domain.rate_limit = PoliciesConfig::new(hourly(1));
        settings.kit.admin_token = Some(Secret::new(TOKEN));
    };
    let stand = stand(limited).await;
    let own = "/api/v1/system/rate-limits/127.0.0.1";
    let quota = json!({"limit": 2, "period": "1h"});
    let reply = administer(&stand, Method::PUT, own, Some(&quota)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert_eq!(
        reply.json()["quota"],
        json!({"limit": 2, "period": "1h", "burst": 2})
    );
    let statuses = async || Client::new().get(stand.url(PATH)).await.status.as_u16();
    assert_eq!(
        [statuses().await, statuses().await, statuses().await],
        [200, 200, 429]
    );
    assert_eq!(
        [
            get(&stand, "ada").await.status,
            get(&stand, "ada").await.status
        ],
        [200, 429]
    );

    // More than everyone's is spent.
    assert_eq!(
        administer(&stand, Method::DELETE, own, None).await.status,
        StatusCode::OK
    );
    assert_eq!(statuses().await, 429);
    let nonsense = json!({"limit": 0, "period": "1h"});
    let reply = administer(&stand, Method::PUT, own, Some(&nonsense)).await;
    assert_eq!(
        reply.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        reply.text()
    );
}

#[tokio::test]
#[ignore = "needs redis-server"]
async fn two_gateways_on_one_redis_admit_what_one_would() {
    let redis = RedisServer::start().await;
    let url = redis.url();
    let gateway = || {
        stand(|settings: &mut Settings<WebConfig>| {
            let sharing = json!({"outage": "closed", "deadline": "10s"});
            settings.domain.rate_limit = PoliciesConfig::new(hourly(7));
            settings.domain.rate_limit_store = serde_json::from_value(sharing).unwrap();
            settings.kit.redis_url = Some(Secret::new(url.clone()));
        })
    };
    let gateways = [gateway().await, gateway().await];
    let mut statuses = Vec::new();
    for gateway in gateways.iter().cycle().take(10) {
        statuses.push(get(gateway, "ada").await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 429, 429, 429]);
}

/// A request that names its client.
fn named(stand: &Stand, id: &str) -> Request<http_body_util::Full<bytes::Bytes>> {
    let mut request = request(Method::GET, stand.url(PATH), None);
    let headers = request.headers_mut();
    headers.insert("x-client-id", HeaderValue::from_str(id).unwrap());
    request
}

#[tokio::test]
async fn names_that_are_not_trusted_change_nothing() {
    for (trusted, expected) in [(false, [200, 429]), (true, [200, 200])] {
        let stand = stand(|settings: &mut Settings<WebConfig>| {
            settings.domain.rate_limit = PoliciesConfig::new(hourly(1));
            settings.domain.clients.trust_client_id = trusted;
        })
        .await;
        let mut statuses = Vec::new();
        for id in ["ada", "bob"] {
            statuses.push(Client::new().send(named(&stand, id)).await.status.as_u16());
        }
        assert_eq!(statuses, expected, "trusted: {trusted}");
    }
}

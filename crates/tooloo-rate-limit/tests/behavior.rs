//! What a client of a limited service sees.

use std::{
    net::SocketAddr,
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use tokio::time::advance;
use tooloo_hub::{Hub, Observe};
use tooloo_key::{ExtractKey, Key, TrustedProxies};
use tooloo_rate_limit::{
    PoliciesConfig, Quota, RateLimitConfig, RateLimitLayer, RouteConfig, Tier, by,
};
use tower::{ServiceBuilder, ServiceExt, service_fn, util::BoxCloneSyncService};

type App = BoxCloneSyncService<Request<()>, Response<Full<Bytes>>, std::convert::Infallible>;

fn n(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a number above zero")
}

fn client() -> by::Header {
    by::header(HeaderName::from_static("x-client-id"))
}

fn per_minute(limit: u32) -> RateLimitConfig {
    RateLimitConfig::new(Quota::per_minute(n(limit)))
}

/// A service that counts what reaches it.
fn app<C>(layer: RateLimitLayer<by::Header, C>) -> (App, Arc<AtomicU32>)
where
    C: tooloo_rate_limit::RequestCost<Request<()>> + Clone + Send + Sync + 'static,
{
    let reached = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&reached);
    let inner = service_fn(move |_: Request<()>| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Ok(Response::new(Full::from("hello"))) }
    });
    let service = ServiceBuilder::new().layer(layer).service(inner);
    (BoxCloneSyncService::new(service), reached)
}

fn request(client: &str, method: Method, path: &str) -> Request<()> {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("x-client-id", client).body(());
    request.expect("a valid request")
}

async fn get(app: &App, client: &str) -> Response<Full<Bytes>> {
    send(app, request(client, Method::GET, "/")).await
}

async fn send(app: &App, request: Request<()>) -> Response<Full<Bytes>> {
    app.clone().oneshot(request).await.expect("an answer")
}

async fn body(response: Response<Full<Bytes>>) -> Value {
    let body = response.into_body().collect().await.expect("a body");
    serde_json::from_slice(&body.to_bytes()).expect("JSON")
}

fn header<'a>(response: &'a Response<Full<Bytes>>, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().expect("ASCII"))
}

fn number(response: &Response<Full<Bytes>>, name: &str) -> u64 {
    header(response, name).parse().expect("a number")
}

#[tokio::test(start_paused = true)]
async fn every_answer_tells_how_the_client_stands() {
    let (app, _) = app(RateLimitLayer::new(per_minute(3), client()));
    let before = tooloo_clock::wall()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let first = get(&app, "ada").await;
    assert_eq!(first.status(), StatusCode::OK);
    assert_eq!(header(&first, "ratelimit-policy"), r#""default";q=3;w=60"#);
    assert_eq!(header(&first, "ratelimit"), r#""default";r=2;t=20"#);
    assert_eq!(header(&first, "x-ratelimit-limit"), "3");
    assert_eq!(header(&first, "x-ratelimit-remaining"), "2");
    let reset = number(&first, "x-ratelimit-reset");
    assert!((before + 20..before + 60).contains(&reset));
    assert_eq!(header(&first, "retry-after"), "");
}

#[tokio::test(start_paused = true)]
async fn waiting_as_long_as_told_succeeds() {
    let (app, reached) = app(RateLimitLayer::new(per_minute(7), client()));
    for _ in 0..7 {
        assert_eq!(get(&app, "ada").await.status(), StatusCode::OK);
    }
    let refused = get(&app, "ada").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reached.load(Ordering::Relaxed), 7);
    // A token comes every 8.57 seconds.
    assert_eq!(header(&refused, "retry-after"), "9");
    assert_eq!(header(&refused, "ratelimit"), r#""default";r=0;t=9"#);
    assert_eq!(header(&refused, "content-type"), "application/problem+json");
    assert_eq!(
        body(refused).await,
        json!({
            "type": "https://iana.org/assignments/http-problem-types#quota-exceeded",
            "title": "Rate limit exceeded",
            "status": 429,
            "detail": "this client's quota is spent; try again in 9 seconds",
            "error": "Rate limit exceeded",
            "code": "rate_limited",
            "retryAfter": 9,
            "violated-policies": ["default"],
        })
    );
    assert_eq!(get(&app, "bob").await.status(), StatusCode::OK);
    advance(Duration::from_secs(9)).await;
    assert_eq!(get(&app, "ada").await.status(), StatusCode::OK);
}

#[tokio::test(start_paused = true)]
async fn what_costs_too_much_is_never_told_to_come_back() {
    let cost = |request: &Request<()>| {
        n(if request.method() == Method::POST {
            9
        } else {
            2
        })
    };
    let (app, _) = app(RateLimitLayer::new(per_minute(3), client()).with_cost(cost));
    let refused = send(&app, request("ada", Method::POST, "/")).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&refused, "retry-after"), "");
    let problem = body(refused).await;
    assert_eq!(problem["code"], "cost_above_limit");
    assert_eq!(problem.get("retryAfter"), None);
    let cheap = get(&app, "ada").await;
    assert_eq!(cheap.status(), StatusCode::OK);
    assert_eq!(header(&cheap, "x-ratelimit-remaining"), "1");
}

#[tokio::test(start_paused = true)]
async fn all_tiers_are_told_and_the_tightest_first_in_the_older_headers() {
    let hourly = Tier::new("hourly", Quota::per_hour(n(2))).unwrap();
    let config = per_minute(3).with_tier(hourly).unwrap();
    let (app, _) = app(RateLimitLayer::new(config, client()));
    let answer = get(&app, "ada").await;
    assert_eq!(
        header(&answer, "ratelimit-policy"),
        r#""default";q=3;w=60, "hourly";q=2;w=3600"#
    );
    assert_eq!(
        header(&answer, "ratelimit"),
        r#""default";r=2;t=20, "hourly";r=1;t=1800"#
    );
    assert_eq!(header(&answer, "x-ratelimit-limit"), "2");
    get(&app, "ada").await;
    let problem = body(get(&app, "ada").await).await;
    assert_eq!(problem["violated-policies"], json!(["hourly"]));
}

#[tokio::test(start_paused = true)]
async fn an_override_is_told_to_its_client_only() {
    let layer = RateLimitLayer::new(per_minute(3), client());
    let limiter = layer.policies().limiter();
    limiter
        .set_limit(&Key::from("ada"), Quota::per_minute(n(30)))
        .unwrap();
    let (app, _) = app(layer);
    let policy = r#""default";q=30;w=60"#;
    assert_eq!(header(&get(&app, "ada").await, "ratelimit-policy"), policy);
    assert_ne!(header(&get(&app, "bob").await, "ratelimit-policy"), policy);
}

#[tokio::test(start_paused = true)]
async fn routes_have_limits_of_their_own_and_keep_debts_over_a_reload() {
    let dear = RouteConfig::new("/dear/*", per_minute(1)).with_method(Method::POST);
    let config = |dear| PoliciesConfig::new(per_minute(5)).with_route(dear).unwrap();
    let layer = RateLimitLayer::new(config(dear), client());
    let (policies, handle) = (layer.policies(), layer.handle());
    let (app, _) = app(layer);
    let dear = || request("ada", Method::POST, "/dear/thing");
    assert_eq!(send(&app, dear()).await.status(), StatusCode::OK);
    assert_eq!(
        send(&app, dear()).await.status(),
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(get(&app, "ada").await.status(), StatusCode::OK);

    let dearer = RouteConfig::new("/dear/*", per_minute(2)).with_method(Method::POST);
    policies.reload(config(dearer));
    assert_eq!(send(&app, dear()).await.status(), StatusCode::OK);
    let refused = send(&app, dear()).await;
    assert_eq!(
        header(&refused, "ratelimit-policy"),
        r#""default";q=2;w=60"#
    );
    let told = get(&app, "ada").await;
    assert_eq!(header(&told, "x-ratelimit-remaining"), "3");
    let shown = handle.snapshot();
    assert_eq!((shown.allowed_requests, shown.denied_requests), (4, 2));
    assert_eq!(shown.top_keys.len(), 1);
    assert_eq!(
        (shown.top_keys[0].allowed, shown.top_keys[0].denied),
        (4, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn in_the_shadow_nobody_is_refused_and_all_are_counted() {
    let config = PoliciesConfig::new(per_minute(1)).with_shadow(true);
    let layer = RateLimitLayer::new(config, client());
    let handle = layer.handle();
    let (app, reached) = app(layer);
    for _ in 0..3 {
        let answer = get(&app, "ada").await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    assert_eq!(reached.load(Ordering::Relaxed), 3);
    assert_eq!(handle.snapshot().denied_requests, 2);
}

#[tokio::test(start_paused = true)]
async fn a_patient_layer_lets_requests_wait() {
    let patience = Duration::from_secs(25);
    let layer = RateLimitLayer::new(per_minute(3), client()).with_patience(patience);
    let handle = layer.handle();
    let (app, reached) = app(layer);
    for _ in 0..3 {
        get(&app, "ada").await;
    }
    let start = tooloo_clock::now();
    let (waited, refused) = tokio::join!(get(&app, "ada"), get(&app, "ada"));
    assert_eq!(waited.status(), StatusCode::OK);
    assert_eq!(start.elapsed(), Duration::from_secs(20));
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reached.load(Ordering::Relaxed), 4);
    assert_eq!(handle.snapshot().queued_requests, 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_of_nobody_passes() {
    let (app, _) = app(RateLimitLayer::new(per_minute(1), client()));
    for _ in 0..3 {
        let answer = send(&app, Request::new(())).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(header(&answer, "ratelimit"), "");
    }
}

#[tokio::test(start_paused = true)]
async fn figures_are_shown_on_the_metrics_page() {
    let layer = RateLimitLayer::new(per_minute(1), client());
    let hub = Hub::new();
    hub.register("rateLimiter", layer.handle(), &[]);
    let (app, _) = app(layer);
    get(&app, "ada").await;
    get(&app, "ada").await;
    let page = hub.openmetrics().unwrap();
    assert!(
        page.contains(r#"rate_limit_requests_total{outcome="denied"} 1"#),
        "{page}"
    );
    assert!(page.contains("rate_limit_keys 1"), "{page}");
    assert_eq!(hub.snapshot()["rateLimiter"]["allowRate"], 0.5);
}

#[test]
fn keys_are_found_where_they_are() {
    let key = |extract: &dyn ExtractKey<Request<()>>, request: &Request<()>| {
        extract.key(request).map(|key| key.to_string())
    };
    let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap()]);
    let peer = by::peer(proxies);
    let mut request = request("ada", Method::GET, "/a/b?c");
    assert_eq!(key(&peer, &request), None);
    let address: SocketAddr = "10.1.2.3:80".parse().unwrap();
    request.extensions_mut().insert(by::PeerAddress(address));
    assert_eq!(key(&peer, &request).as_deref(), Some("10.1.2.3"));
    let headers = request.headers_mut();
    headers.insert(
        "x-forwarded-for",
        "1.1.1.1, 2001:db8:1:2:3::4".parse().unwrap(),
    );
    assert_eq!(key(&peer, &request).as_deref(), Some("2001:db8:1:2::/64"));

    assert_eq!(key(&by::api_key(), &request), None);
    let headers = request.headers_mut();
    headers.insert("authorization", "bearer s3cret".parse().unwrap());
    let found = key(&by::api_key(), &request).unwrap();
    assert!(
        found.starts_with("key:") && !found.contains("s3cret"),
        "{found}"
    );
    request
        .headers_mut()
        .insert("x-api-key", "s3cret".parse().unwrap());
    assert_eq!(key(&by::api_key(), &request), Some(found.clone()));

    assert_eq!(
        key(&by::first((by::api_key(), client())), &request),
        Some(found)
    );
    let all = by::all((by::method(), by::path(), client()));
    assert_eq!(key(&all, &request).as_deref(), Some("3:GET 4:/a/b 3:ada"));
    request
        .headers_mut()
        .insert("x-client-id", "é".parse().unwrap());
    assert_eq!(key(&all, &request), None);
}

//! One connection a request, leased lazily and returned at the response's end.
#![cfg(feature = "axum")]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod fake;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use fake::{Fake, Server, config, snapshot};
use futures_util::{StreamExt as _, stream};
use http_body_util::BodyExt as _;
use tokio::time::{sleep, timeout};
use tooloo_key::Key;
use tooloo_pool::{Pool, PoolError, PoolLayer, RequestConnection, Share};
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

async fn ask(app: &Router, path: &str) -> Response {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let answer = timeout(Duration::from_secs(60), app.clone().oneshot(request)).await;
    answer.expect("it answers").unwrap()
}

fn app(pool: &Pool<Fake>) -> Router {
    Router::new()
        .route("/none", get(async || "none"))
        .route("/twice", get(twice))
        .route("/begin", get(begin))
        .route("/fail", get(fail))
        .route("/panic", get(panic))
        .route("/hang", get(hang))
        .route("/stream", get(stream_rows))
        .layer(PoolLayer::new(pool.clone()))
        // As a server does: a handler's panic ends its request and nothing else.
        .layer(CatchPanicLayer::new())
}

async fn twice(connection: RequestConnection<Fake>) -> Result<String, PoolError> {
    let first = connection.get().await?.number;
    let second = connection.get().await?.number;
    Ok(format!("{first} {second}"))
}

async fn begin(connection: RequestConnection<Fake>) -> Result<(), PoolError> {
    connection.get().await?.in_transaction = true;
    Ok(())
}

async fn fail(connection: RequestConnection<Fake>) -> Response {
    drop(connection.get().await);
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

async fn panic(connection: RequestConnection<Fake>) {
    let mut connection = connection.get().await.unwrap();
    connection.in_transaction = true;
    panic!("as the test wants it");
}

async fn hang(connection: RequestConnection<Fake>) {
    let mut connection = connection.get().await.unwrap();
    connection.in_transaction = true;
    std::future::pending::<()>().await;
}

async fn stream_rows(connection: RequestConnection<Fake>) -> Body {
    let rows = stream::iter(0..3).then(move |_| {
        let connection = connection.clone();
        async move {
            let number = connection.get().await?.number;
            Ok::<_, PoolError>(Bytes::from(format!("{number};")))
        }
    });
    Body::from_stream(rows)
}

#[tokio::test(start_paused = true)]
async fn a_request_leases_at_its_first_use_and_once() {
    let server = Server::new();
    let pool = server.pool(config(2));
    let app = app(&pool);
    ask(&app, "/none").await;
    assert_eq!(server.made(), 0);
    let answer = ask(&app, "/twice").await;
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "0 0");
    assert_eq!((snapshot(&pool).acquired, snapshot(&pool).in_use), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_connection_goes_back_at_the_end_of_the_body() {
    let pool = Server::new().pool(config(1));
    let app = app(&pool);
    let mut body = ask(&app, "/stream").await.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "0;");
    assert_eq!(snapshot(&pool).in_use, 1);
    let rest = body.collect().await.unwrap().to_bytes();
    assert_eq!(rest, "0;0;");
    assert_eq!((snapshot(&pool).in_use, snapshot(&pool).acquired), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_left_open_is_rolled_back_however_it_ends() {
    let server = Server::new();
    let pool = server.pool(config(1));
    let app = app(&pool);
    for (path, status) in [("/begin", 200), ("/fail", 500), ("/panic", 500)] {
        let resets = server.resets();
        assert_eq!(ask(&app, path).await.status(), status, "{path}");
        let next = pool.get().await.unwrap();
        assert!(!next.in_transaction, "{path}");
        assert_eq!((next.number, server.resets()), (0, resets + 1), "{path}");
    }
    let resets = server.resets();
    let request = Request::get("/hang").body(Body::empty()).unwrap();
    let cancelled = timeout(Duration::from_secs(1), app.oneshot(request)).await;
    assert!(cancelled.is_err());
    assert!(!pool.get().await.unwrap().in_transaction);
    assert_eq!(server.resets(), resets + 1);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_gives_the_connection_back() {
    let pool = Server::new().pool(config(1));
    let mut body = ask(&app(&pool), "/stream").await.into_body();
    drop(body.frame().await);
    drop(body);
    sleep(Duration::from_millis(1)).await;
    assert_eq!((snapshot(&pool).in_use, snapshot(&pool).idle), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn what_outlives_the_request_gets_no_connection() {
    let pool = Server::new().pool(config(1));
    let (told, outcome) = tokio::sync::oneshot::channel();
    let told = std::sync::Arc::new(std::sync::Mutex::new(Some(told)));
    let handler = async move |connection: RequestConnection<Fake>| {
        drop(connection.get().await);
        let told = told.lock().unwrap().take().unwrap();
        tokio::spawn(async move {
            sleep(Duration::from_secs(1)).await;
            told.send(connection.get().await.map(drop)).unwrap();
        });
    };
    let app = Router::new()
        .route("/", get(handler))
        .layer(PoolLayer::new(pool));
    ask(&app, "/").await;
    let error = outcome.await.unwrap().unwrap_err();
    assert_eq!(error.refusal(), tooloo_pool::Refusal::RequestOver);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_problem_that_says_when_to_come_back() {
    let pool = Server::new().pool(config(1));
    let app = app(&pool);
    let lease = pool.get().await.unwrap();
    let answer = ask(&app, "/twice").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(answer.headers()["retry-after"], "1");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&problem["code"], &problem["retryAfter"]),
        (&"pool_timeout".into(), &1.into())
    );
    drop(lease);
}

#[tokio::test(start_paused = true)]
async fn a_missing_layer_is_named() {
    let app = Router::new().route("/", get(async |_: RequestConnection<Fake>| ()));
    assert_eq!(
        ask(&app, "/").await.status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_leases_for_its_tenant() {
    let share = Share::new(0.5).unwrap();
    let pool = Server::new().pool(config(2).with_tenant_share(share));
    let tenant = |_: &Request<Body>| Some(Key::from("greedy"));
    let app = Router::new()
        .route("/", get(twice))
        .layer(PoolLayer::new(pool.clone()).with_tenant(tenant));
    let lease = pool.get_for("greedy".into()).await.unwrap();
    assert_eq!(
        ask(&app, "/").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    drop(lease);
    assert_eq!(ask(&app, "/").await.status(), StatusCode::OK);
}

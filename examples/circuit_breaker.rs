//! Puts a breaker around an HTTP client whose upstream can be broken and mended by hand.
//!
//! `cargo run -p examples --example circuit_breaker`

use std::{io, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path, Request, State},
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{net::TcpListener, sync::RwLock};
use tooloo_circuit_breaker::{
    ByStatus, CircuitBreaker, CircuitBreakerConfig, CircuitBreakerLayer, CircuitBreakerService,
};
use tooloo_hub::Observe as _;
use tower::{Layer as _, ServiceExt as _};

type Upstream = CircuitBreakerService<Client<HttpConnector, Body>, CircuitBreaker, ByStatus>;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let address = listener.local_addr()?;
    println!("curl -i http://{address}/hello");
    println!("curl -X POST http://{address}/upstream/503   # and 200 again later");
    println!("curl http://{address}/figures");
    axum::serve(listener, app(&address.to_string())).await
}

/// Answers for both: the program that calls, and the upstream that it calls.
fn app(authority: &str) -> Router {
    // Opens after three failures in a row; a single probe after five seconds decides what follows.
    let config = CircuitBreakerConfig::new()
        .with_consecutive_failures(NonZeroU32::new(3))
        .with_open_for(Duration::from_secs(5))
        .with_probes(NonZeroU32::MIN);
    let breaker = CircuitBreaker::new(config);
    let figures = breaker.handle();
    // One line puts it on any tower client; by status, since an answer of 503 is no error to HTTP.
    let client = CircuitBreakerLayer::new(breaker)
        .by_status()
        .layer(Client::builder(TokioExecutor::new()).build_http());
    let uri = format!("http://{authority}/upstream");
    let hello = async move || call(client, uri.parse().expect("the address is one")).await;

    let status = Arc::new(RwLock::new(StatusCode::OK));
    Router::new()
        .route(
            "/upstream",
            get(async |State(status): State<Arc<RwLock<StatusCode>>>| *status.read().await),
        )
        .route("/upstream/{status}", post(set))
        .with_state(status)
        .route("/hello", get(hello))
        .route("/figures", get(async move || Json(figures.snapshot())))
}

async fn call(upstream: Upstream, uri: Uri) -> Response {
    let request = Request::new(Body::empty());
    let (mut parts, body) = request.into_parts();
    parts.uri = uri;
    match upstream.oneshot(Request::from_parts(parts, body)).await {
        Ok(answer) => format!("the upstream answered {}\n", answer.status()).into_response(),
        // Refused calls fail at once; there is time for a cached answer, or another upstream.
        Err(error) => (StatusCode::BAD_GATEWAY, format!("{error}\n")).into_response(),
    }
}

async fn set(State(status): State<Arc<RwLock<StatusCode>>>, Path(code): Path<u16>) -> StatusCode {
    match StatusCode::from_u16(code) {
        Ok(code) => {
            *status.write().await = code;
            StatusCode::NO_CONTENT
        }
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    async fn ask(app: &Router, method: &str, path: &str) -> String {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap();
        String::from_utf8(body.to_bytes().into()).unwrap()
    }

    #[tokio::test]
    async fn an_upstream_that_fails_is_not_called_for_a_while() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let app = app(&listener.local_addr().unwrap().to_string());
        let served = app.clone();
        tokio::spawn(async { axum::serve(listener, served).await });

        assert!(ask(&app, "GET", "/hello").await.contains("answered 200"));
        ask(&app, "POST", "/upstream/503").await;
        for _ in 0..3 {
            assert!(ask(&app, "GET", "/hello").await.contains("answered 503"));
        }
        let refused = ask(&app, "GET", "/hello").await;
        assert_eq!(refused, "the circuit breaker is open\n");
        let figures = ask(&app, "GET", "/figures").await;
        assert!(figures.contains(r#""status":"open""#), "{figures}");
        assert!(figures.contains(r#""rejectedCount":1"#), "{figures}");
    }
}

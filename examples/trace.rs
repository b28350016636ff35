//! Puts the trace layer on a router, and shows its figures.
//!
//! `cargo run -p examples --example trace`

use std::io;

use axum::{
    Json, Router,
    extract::Path,
    http::StatusCode,
    routing::{get, post},
};
use tokio::net::TcpListener;
use tooloo_hub::Observe as _;
use tooloo_trace::{TraceConfig, TraceLayer, Tracer};

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let address = listener.local_addr()?;
    println!("curl -i http://{address}/hello/ada");
    println!("curl -i -X POST http://{address}/orders");
    println!("curl http://{address}/figures");
    axum::serve(listener, app()).await
}

fn app() -> Router {
    let trace = TraceLayer::new(Tracer::new(TraceConfig::new("greeter")));
    // The handle stays when the layer moves into the router.
    let figures = trace.handle();
    Router::new()
        .route("/hello/{name}", get(hello))
        .route("/orders", post(order))
        .layer(trace)
        // Added after the layer: looking at the figures does not change them.
        .route("/figures", get(async move || Json(figures.snapshot())))
}

async fn hello(Path(name): Path<String>) -> String {
    match tooloo_trace::current() {
        Some(context) => format!("Hello {name}, this is trace {}\n", context.trace_id()),
        None => format!("Hello {name}\n"),
    }
}

/// Fails always: not sampled, it is among the spans of `/figures` all the same.
async fn order() -> StatusCode {
    StatusCode::INTERNAL_SERVER_ERROR
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn answer(app: &Router, request: Request<Body>) -> String {
        let response = app.clone().oneshot(request).await.unwrap();
        let body = response.into_body().collect().await.unwrap();
        String::from_utf8(body.to_bytes().into()).unwrap()
    }

    #[tokio::test]
    async fn figures_hold_what_was_asked_for_and_not_the_asking() {
        let app = app();
        let hello = Request::get("/hello/ada").body(Body::empty()).unwrap();
        assert!(
            answer(&app, hello)
                .await
                .starts_with("Hello ada, this is trace ")
        );
        let order = Request::post("/orders").body(Body::empty()).unwrap();
        answer(&app, order).await;

        for _ in 0..2 {
            let figures = Request::get("/figures").body(Body::empty()).unwrap();
            let figures = answer(&app, figures).await;
            assert!(figures.contains(r#""totalTraces":2"#), "{figures}");
            assert!(figures.contains(r#""name":"POST /orders""#), "{figures}");
        }
    }
}

//! Limits each client by its address, one route more than the others, and shows the figures.
//!
//! `cargo run -p examples --example rate_limit`

use std::{error::Error, net::SocketAddr, num::NonZeroU32};

use axum::{
    Json, Router,
    http::Method,
    routing::{get, post},
};
use tokio::net::TcpListener;
use tooloo_hub::Observe as _;
use tooloo_key::TrustedProxies;
use tooloo_rate_limit::{
    ConfigError, PoliciesConfig, Quota, RateLimitConfig, RateLimitLayer, RouteConfig, by,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let address = listener.local_addr()?;
    println!(
        "for n in 1 2 3 4 5 6; do curl -si http://{address}/hello | grep -i '^http\\|limit'; done"
    );
    println!("for n in 1 2 3; do curl -i -X POST http://{address}/orders; done");
    println!("curl http://{address}/figures");
    // Tells the layer where each request comes from.
    let app = app()?.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, app).await?)
}

fn app() -> Result<Router, ConfigError> {
    // Five requests at once, and then one a second.
    let usual = Quota::per_second(NonZeroU32::MIN).with_burst(number(5));
    // Two orders a minute, whatever else the client asks for.
    let orders = RouteConfig::new(
        "/orders",
        RateLimitConfig::new(Quota::per_minute(number(2))),
    );
    let limits = PoliciesConfig::new(RateLimitConfig::new(usual))
        .with_route(orders.with_method(Method::POST))?;
    // No proxy stands in front: the connection's address is the client's.
    let limit = RateLimitLayer::new(limits, by::peer(TrustedProxies::default()));
    // The handle stays when the layer moves into the router.
    let figures = limit.handle();
    Ok(Router::new()
        .route("/hello", get(async || "hello\n"))
        .route("/orders", post(async || "ordered\n"))
        .layer(limit)
        // Added after the layer: looking at the figures is free.
        .route("/figures", get(async move || Json(figures.snapshot()))))
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("the numbers of this program are above zero")
}

#[cfg(test)]
mod tests {
    use axum::{
        body::Body,
        extract::ConnectInfo,
        http::{Request, StatusCode},
    };
    use tower::ServiceExt as _;

    use super::*;

    async fn status(app: &Router, method: Method, path: &str) -> StatusCode {
        let mut request = Request::builder().method(method).uri(path);
        let peer = SocketAddr::from(([203, 0, 113, 7], 4711));
        request.extensions_mut().unwrap().insert(ConnectInfo(peer));
        let request = request.body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn orders_are_limited_apart_from_the_rest() {
        let app = app().unwrap();
        for _ in 0..2 {
            assert_eq!(status(&app, Method::POST, "/orders").await, 200);
        }
        assert_eq!(status(&app, Method::POST, "/orders").await, 429);
        for _ in 0..5 {
            assert_eq!(status(&app, Method::GET, "/hello").await, 200);
        }
        assert_eq!(status(&app, Method::GET, "/hello").await, 429);
        assert_eq!(status(&app, Method::GET, "/figures").await, 200);
    }
}

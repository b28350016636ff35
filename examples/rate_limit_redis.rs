//! Shares one quota between processes, in Redis or Valkey.
//!
//! `cargo run -p examples --example rate_limit_redis -- 8080`, and once more with 8081. The server is
//! that of `TOOLOO_REDIS_URL`, by default the one on this machine.

use std::{env, error::Error, num::NonZeroU32};

use axum::{Json, Router, extract::Request, routing::get};
use tokio::net::TcpListener;
use tooloo_hub::Observe as _;
use tooloo_key::Key;
use tooloo_rate_limit::{
    Outage, Quota, RateLimitConfig, RateLimitLayer, RedisStore, SharedConfig, SharedRateLimiter,
    StoreError,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let redis = env::var("TOOLOO_REDIS_URL");
    let redis = redis.unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
    let port = env::args().nth(1).map_or(Ok(8080), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    println!("curl -i http://{address}/hello");
    println!("curl http://{address}/figures");
    Ok(axum::serve(listener, app(&redis)?).await?)
}

fn app(redis: &str) -> Result<Router, StoreError> {
    let ten = const { NonZeroU32::new(10).expect("ten is not zero") };
    let store = RedisStore::new(redis, "example")?;
    // While Redis is away, each process allows as much by itself.
    let outage = SharedConfig::new(Outage::Local);
    let limits = RateLimitConfig::new(Quota::per_minute(ten));
    let shared = SharedRateLimiter::new(store, limits, outage);
    // Everyone together: any closure from a request to a key will do.
    let everyone = |_: &Request| Some(Key::from("everyone"));
    let limit = RateLimitLayer::new(shared.clone(), everyone);
    let figures = limit.handle();
    let figures = async move || {
        let away = shared.is_store_away();
        Json((figures.snapshot(), away))
    };
    Ok(Router::new()
        .route("/hello", get(async || "hello\n"))
        .layer(limit)
        .route("/figures", get(figures)))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn without_redis_the_process_limits_by_itself() {
        // Nothing listens on the port of `discard`.
        let app = app("redis://127.0.0.1:9").unwrap();
        for expected in [[200; 10].as_slice(), &[429; 2]].concat() {
            let request = Request::get("/hello").body(Body::empty()).unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), expected);
        }
    }
}

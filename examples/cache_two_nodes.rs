//! Shares cached values between processes, through Redis or Valkey: what one changes, the other drops.
//!
//! `cargo run -p examples --example cache_two_nodes -- 8080`, and once more with 8081. The server is
//! that of `TOOLOO_REDIS_URL`, by default the one on this machine.

use std::{convert::Infallible, env, error::Error, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    routing::get,
};
use tokio::net::TcpListener;
use tooloo_cache::{
    Cache, CacheConfig, Postcard,
    backend::{Redis, RedisConfig, RedisTierError},
};
use tooloo_hub::Observe as _;

type Prices = Cache<Arc<str>, String>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let redis = env::var("TOOLOO_REDIS_URL");
    let redis = redis.unwrap_or_else(|_| "redis://127.0.0.1:6379".to_owned());
    let port = env::args().nth(1).map_or(Ok(8080), |port| port.parse())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    let address = listener.local_addr()?;
    println!("curl http://{address}/prices/tea");
    println!("curl -X PUT http://{address}/prices/tea -d 4.20");
    println!("curl -X DELETE http://{address}/prices/tea");
    Ok(axum::serve(listener, app(&redis)?).await?)
}

fn app(redis: &str) -> Result<Router, RedisTierError> {
    // While Redis is away, each process caches by itself; back again, it tells and is told what changed.
    let redis = Redis::new(RedisConfig::new(redis).with_prefix("example"))?;
    let prices: Prices = Cache::builder(CacheConfig::new())
        .with_tier(redis.tier(Postcard))
        .with_backplane(redis.backplane())
        .build();
    let figures = prices.handle();
    Ok(Router::new()
        .route("/prices/{of}", get(price).put(set_price).delete(forget))
        .with_state(prices)
        .route("/figures", get(async move || Json(figures.snapshot()))))
}

async fn price(State(prices): State<Prices>, Path(of): Path<Arc<str>>) -> String {
    let ask = async || Ok::<_, Infallible>("3.90".to_owned());
    let price = prices.get_or_fill(&of, ask).await;
    price.map_or_else(
        |error| format!("{error}\n"),
        |price| format!("{}\n", *price),
    )
}

async fn set_price(State(prices): State<Prices>, Path(of): Path<Arc<str>>, price: String) {
    prices.insert(of, price);
}

async fn forget(State(prices): State<Prices>, Path(of): Path<Arc<str>>) {
    prices.remove(&of).await;
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn without_redis_the_process_caches_by_itself() {
        // Nothing listens on the port of `discard`.
        let app = app("redis://127.0.0.1:9").unwrap();
        let send = async |method, body: &'static str| {
            let request = Request::builder().method(method).uri("/prices/tea");
            let request = request.body(Body::from(body)).unwrap();
            let answer = app.clone().oneshot(request).await.unwrap();
            assert!(answer.status().is_success());
            answer.into_body().collect().await.unwrap().to_bytes()
        };
        assert_eq!(send("GET", "").await, "3.90\n");
        send("PUT", "4.20").await;
        assert_eq!(send("GET", "").await, "4.20\n");
        send("DELETE", "").await;
        assert_eq!(send("GET", "").await, "3.90\n");
    }
}

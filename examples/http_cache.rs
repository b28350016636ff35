//! Puts an HTTP cache on a router: slow pages are made once, and a change is seen at once.
//!
//! `cargo run -p examples --example http_cache`

use std::{io, time::Duration};

use axum::{
    Json, Router,
    extract::Path,
    http::{HeaderName, StatusCode, header},
    response::IntoResponse,
    routing::{get, post},
};
use tokio::{net::TcpListener, time::sleep};
use tooloo_cache::{CacheLayer, HttpCacheConfig};
use tooloo_hub::Observe as _;

const CACHE_TAG: HeaderName = HeaderName::from_static("cache-tag");

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let address = listener.local_addr()?;
    println!(
        "curl -i http://{address}/cities/bern            # slow, then `cache-status: tooloo; hit`"
    );
    println!("curl -i -X PUT http://{address}/cities/bern     # what was stored of it is gone");
    println!("curl -i -X POST http://{address}/purge/cities   # so is what has this tag");
    println!("curl http://{address}/figures");
    axum::serve(listener, app(Duration::from_secs(1))).await
}

/// Takes `pause` to make a page.
fn app(pause: Duration) -> Router {
    let layer = CacheLayer::new(HttpCacheConfig::new());
    // Both stay when the layer moves into the router.
    let (cache, figures) = (layer.http_cache().clone(), layer.handle());
    let purge = async move |Path(tag): Path<String>| {
        cache.purge_tag(&tag, false).await;
        StatusCode::NO_CONTENT
    };
    let city = async move |Path(name): Path<String>| {
        sleep(pause).await;
        city(&name)
    };
    let change = async || StatusCode::NO_CONTENT;
    Router::new()
        .route("/cities/{name}", get(city).put(change))
        .layer(layer)
        .route("/purge/{tag}", post(purge))
        .route("/figures", get(async move || Json(figures.snapshot())))
}

/// Says by its header for how long it may be kept, and is served stale for a minute while it is made anew.
fn city(name: &str) -> impl IntoResponse + use<> {
    let kept = "max-age=10, stale-while-revalidate=60";
    let fields = [(header::CACHE_CONTROL, kept), (CACHE_TAG, "cities")];
    (fields, format!("All there is to know of {name}\n"))
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    /// Sends a request, and returns what the cache says of it and the body.
    async fn send(app: &Router, method: &str, path: &str) -> (String, String) {
        let request = Request::builder().method(method).uri(path);
        let request = request
            .header(header::HOST, "a.example")
            .body(Body::empty());
        let response = app.clone().oneshot(request.unwrap()).await.unwrap();
        let status = response.headers().get("cache-status");
        let status = status
            .map_or("", |status| status.to_str().unwrap())
            .to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_page_is_made_once_until_it_changes() {
        let app = app(Duration::ZERO);
        for change in [("PUT", "/cities/bern"), ("POST", "/purge/cities")] {
            let (status, body) = send(&app, "GET", "/cities/bern").await;
            assert!(status.contains("fwd=uri-miss"), "{status}");
            assert_eq!(body, "All there is to know of bern\n");
            let (status, again) = send(&app, "GET", "/cities/bern").await;
            assert!(status.contains("; hit"), "{status}");
            assert_eq!(again, body);
            send(&app, change.0, change.1).await;
        }
        let (_, figures) = send(&app, "GET", "/figures").await;
        assert!(figures.contains(r#""hits":2"#), "{figures}");
    }
}

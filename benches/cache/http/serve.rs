//! The servers that this program can be: a page behind one cache or another, on one thread.

use std::{
    convert::Infallible,
    io::{self, Read},
    net::SocketAddr,
    process,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use axum::{
    Router,
    body::Body,
    error_handling::HandleErrorLayer,
    extract::Request,
    http::{Response, StatusCode, Uri, header},
};
use bytes::Bytes;
use http_body_util::Full;
use tokio::{net::TcpListener, runtime::Builder};
use tower::{BoxError, ServiceBuilder, service_fn};

use crate::OURS;

/// Comes before the name of the server to be.
pub(crate) const ARGUMENT: &str = "--serve";
/// The server behind nginx.
pub(crate) const ORIGIN: &str = "origin";
const TOWER_HTTP_CACHE: &str = "tower-http-cache";
const HTTP_CACHE_TOWER: &str = "http-cache-tower";
pub(crate) const NAMES: [&str; 3] = [OURS, TOWER_HTTP_CACHE, HTTP_CACHE_TOWER];

const PAGE_BYTES: usize = 4096;

/// Serves until the parent process is gone.
pub(crate) fn run(name: &str) {
    thread::spawn(|| {
        // What ends this is the end of the input.
        let _ = io::stdin().read(&mut [0]);
        process::exit(0);
    });
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("the system has a poller");
    runtime.block_on(serve(router(name)));
}

async fn serve(router: Router) {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = TcpListener::bind(any).await.expect("a port is free");
    println!("{}", listener.local_addr().expect("it listens"));
    // It ends with the process.
    let _ = axum::serve(listener, router).await;
}

fn router(name: &str) -> Router {
    let page = service_fn(|_: Request| async { Ok::<_, Infallible>(page()) });
    let to_answer = HandleErrorLayer::new(async |error: BoxError| {
        (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    });
    let router = Router::new();
    match name {
        OURS => {
            let config = tooloo_cache::HttpCacheConfig::new();
            let cache = tooloo_cache::CacheLayer::new(config);
            router.route_service("/page", ServiceBuilder::new().layer(cache).service(page))
        }
        TOWER_HTTP_CACHE => {
            use tower_http_cache::{backend::memory::InMemoryBackend, layer::CacheLayer};
            let cache = CacheLayer::builder(InMemoryBackend::new(1000));
            let cache = cache.ttl(std::time::Duration::from_secs(3600)).build();
            let stack = ServiceBuilder::new().layer(to_answer).layer(cache);
            router.route_service("/page", stack.service(page))
        }
        HTTP_CACHE_TOWER => {
            let manager = http_cache::MokaManager::default();
            let cache = http_cache_tower::HttpCacheLayer::new(manager);
            let to_answer =
                HandleErrorLayer::new(async |error: http_cache_tower::HttpCacheError| {
                    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
                });
            // It takes only absolute addresses, as clients have them.
            let stack = ServiceBuilder::new()
                .layer(to_answer)
                .map_request(absolute)
                .layer(cache);
            router.route_service("/page", stack.service(page))
        }
        _ => router.route_service("/page", page),
    }
}

/// Makes a page that says how often it was made.
fn page() -> Response<Full<Bytes>> {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let made = MADE.fetch_add(1, Ordering::Relaxed);
    let mut page = format!(r#"{{"made":{made:020},"text":""#);
    page.extend(std::iter::repeat_n('x', PAGE_BYTES - page.len() - 2));
    page.push_str("\"}");
    Response::builder()
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CACHE_CONTROL, "public, max-age=3600")
        .header(header::ETAG, "\"1\"")
        .body(Full::new(Bytes::from(page)))
        .expect("the fields are sound")
}

fn absolute(mut request: Request<Body>) -> Request<Body> {
    *request.uri_mut() = Uri::from_static("http://a.example/page");
    request
}

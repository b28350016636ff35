//! What holds for answers that say nothing about caches.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderValue, header};

/// Keeps answers out of caches unless they say otherwise: most of them tell how things stand now, and some
/// statuses may be stored by whoever likes (RFC 9111 §3).
pub(crate) async fn keep_nothing(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // What came from behind a gateway is the origin's to describe.
    let said = [header::CACHE_CONTROL, header::EXPIRES, header::VIA];
    if !said.iter().any(|name| headers.contains_key(name)) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

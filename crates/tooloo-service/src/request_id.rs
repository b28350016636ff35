//! Request ids: a caller's own, or a new one, on every answer.

use axum::{extract::Request, middleware::Next, response::Response};
use http::{HeaderName, HeaderValue};

pub(crate) const NAME: &str = "x-request-id";

/// Longer ids are not carried; a new one takes their place.
const LONGEST: usize = 128;

pub(crate) async fn carry(mut request: Request, next: Next) -> Response {
    let id = match request.headers().get(NAME) {
        Some(id) if is_acceptable(id) => id.clone(),
        _ => HeaderValue::try_from(random()).expect("hexadecimal digits make a header value"),
    };
    // Handlers and calls to peers see what the answer will carry.
    request
        .headers_mut()
        .insert(HeaderName::from_static(NAME), id.clone());
    let mut response = next.run(request).await;
    response
        .headers_mut()
        .insert(HeaderName::from_static(NAME), id);
    response
}

fn is_acceptable(id: &HeaderValue) -> bool {
    let id = id.as_bytes();
    (1..=LONGEST).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
}

/// Makes an id.
pub(crate) fn random() -> String {
    format!("{:032x}", fastrand::u128(..))
}

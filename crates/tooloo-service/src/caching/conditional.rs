//! Answers to those who have one already, RFC 9110 §13.1.2.

use axum::{body::Body, extract::Request, middleware::Next, response::Response};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Answers 304 in place of what the client has, by `If-None-Match`.
///
/// The handler has done its work: what is saved is the way.
pub(crate) async fn answer_conditions(request: Request, next: Next) -> Response {
    let asks = matches!(*request.method(), Method::GET | Method::HEAD);
    let known: Vec<HeaderValue> = if asks {
        let lines = request.headers().get_all(header::IF_NONE_MATCH);
        lines.iter().cloned().collect()
    } else {
        Vec::new()
    };
    let mut response = next.run(request).await;
    if response.status() == StatusCode::OK && matches(&known, response.headers()) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        let headers = response.headers_mut();
        for name in [
            header::CONTENT_TYPE,
            header::CONTENT_LENGTH,
            header::CONTENT_ENCODING,
            header::TRANSFER_ENCODING,
        ] {
            headers.remove(name);
        }
    }
    response
}

/// Compares weakly; a comma within a tag splits it, and what is split matches nothing.
fn matches(known: &[HeaderValue], headers: &HeaderMap) -> bool {
    let Some(etag) = headers.get(header::ETAG) else {
        return false;
    };
    let etag = opaque(etag.as_bytes());
    let mut members = known
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    members.any(|member| {
        let member = member.trim_ascii();
        member == b"*" || opaque(member) == etag
    })
}

fn opaque(etag: &[u8]) -> &[u8] {
    etag.strip_prefix(b"W/").unwrap_or(etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_compared_weakly_and_as_a_whole() {
        let mut headers = HeaderMap::new();
        let known = |line: &'static str| vec![HeaderValue::from_static(line)];
        assert!(!matches(&known("*"), &headers));
        headers.insert(header::ETAG, HeaderValue::from_static("W/\"7\""));
        for line in ["\"7\"", "W/\"7\"", "\"1\", W/\"7\"", "*"] {
            assert!(matches(&known(line), &headers), "{line}");
        }
        for line in ["7", "\"77\"", "", "\"1\",", "w/\"7\""] {
            assert!(!matches(&known(line), &headers), "{line}");
        }
        assert!(!matches(&[], &headers));
    }
}

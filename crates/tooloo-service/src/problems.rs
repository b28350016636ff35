//! Makes every error leave as a problem: ours with the request's path, axum's and other layers' too.

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderValue, Method, StatusCode, header};
use http_body::Body as _;

use crate::{Problem, methods::Methods};

/// The longest plain text that becomes a problem's detail, in bytes.
const LONGEST_TEXT: u64 = 4096;

pub(crate) async fn render(
    State(methods): State<Methods>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    let status = response.status();
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        if status.is_server_error() {
            tracing::warn!(%method, path, status = status.as_u16(), %problem, "answered with an error");
        }
        return with_body(response, &problem, &path);
    }
    if !(status.is_client_error() || status.is_server_error()) || !is_plain(&response) {
        return response;
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        let allow = route.and_then(|route| methods.allow(route.as_str()).cloned());
        return other_method(response, &method, allow, &path);
    }
    let (parts, body) = response.into_parts();
    let text = match to_bytes(body, usize::try_from(LONGEST_TEXT).unwrap_or(usize::MAX)).await {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(_) => String::new(),
    };
    let problem = described(status, text);
    with_body(Response::from_parts(parts, Body::empty()), &problem, &path)
}

/// Says whether the answer has no body, or a short text: what axum makes of a rejection.
fn is_plain(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_text = content_type.is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
    let upper = response.body().size_hint().upper();
    is_text && upper.is_some_and(|bytes| bytes <= LONGEST_TEXT)
}

fn described(status: StatusCode, text: String) -> Problem {
    let (code, otherwise) = match status {
        StatusCode::BAD_REQUEST => ("invalid_request", "the request makes no sense"),
        StatusCode::NOT_FOUND => ("not_found", "there is nothing here"),
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            "unsupported_media_type",
            "the body's content type is not understood",
        ),
        StatusCode::UNPROCESSABLE_ENTITY => ("invalid_field", "a value will not do"),
        status if status.is_client_error() => ("refused", "the request was refused"),
        _ => ("failed", "the request could not be served"),
    };
    if text.is_empty() {
        Problem::new(status, code, otherwise)
    } else {
        Problem::new(status, code, text)
    }
}

/// Writes `problem` into a response whose status and other fields stay.
fn with_body(response: Response, problem: &Problem, path: &str) -> Response {
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, crate::problem::MEDIA_TYPE);
    Response::from_parts(parts, Body::from(problem.body(Some(path))))
}

/// Answers a method that a known route does not have; `OPTIONS` asks for those it has.
fn other_method(
    mut response: Response,
    method: &Method,
    allow: Option<HeaderValue>,
    path: &str,
) -> Response {
    let status = response.status();
    let Some(allow) = allow else {
        let detail = format!("{method} is not possible here");
        return with_body(
            response,
            &Problem::new(status, "method_not_allowed", detail),
            path,
        );
    };
    let methods = allow.to_str().unwrap_or_default().to_owned();
    response.headers_mut().insert(header::ALLOW, allow);
    if method == Method::OPTIONS {
        *response.status_mut() = StatusCode::NO_CONTENT;
        *response.body_mut() = Body::empty();
        return response;
    }
    let detail = format!("{method} is not possible here, only {methods}");
    with_body(
        response,
        &Problem::new(status, "method_not_allowed", detail),
        path,
    )
}

//! Makes every error leave as a problem: ours with the request's path, axum's and other layers' too.

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header};
use http_body::Body as _;

use crate::Problem;

/// The longest plain text that becomes a problem's detail, in bytes.
const LONGEST_TEXT: u64 = 4096;

pub(crate) async fn render(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return with_body(response, &problem, &path);
    }
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let allow = response.headers().get(header::ALLOW);
    if status == StatusCode::METHOD_NOT_ALLOWED && method == Method::OPTIONS && allow.is_some() {
        return options(response);
    }
    if !is_plain(&response) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = match to_bytes(body, usize::try_from(LONGEST_TEXT).unwrap_or(usize::MAX)).await {
        Ok(bytes) => String::from_utf8_lossy(&bytes).trim().to_owned(),
        Err(_) => String::new(),
    };
    let problem = described(status, &method, &parts.headers, text);
    with_body(Response::from_parts(parts, Body::empty()), &problem, &path)
}

/// Says whether the answer has no body, or a short text: what axum makes of a rejection.
fn is_plain(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    let is_text = content_type.is_none_or(|value| value.as_bytes().starts_with(b"text/plain"));
    let upper = response.body().size_hint().upper();
    is_text && upper.is_some_and(|bytes| bytes <= LONGEST_TEXT)
}

fn described(status: StatusCode, method: &Method, headers: &HeaderMap, text: String) -> Problem {
    let (code, otherwise) = match status {
        StatusCode::BAD_REQUEST => ("invalid_request", "the request makes no sense"),
        StatusCode::NOT_FOUND => ("not_found", "there is nothing here"),
        StatusCode::METHOD_NOT_ALLOWED => {
            let allowed = headers.get(header::ALLOW).and_then(|allow| allow.to_str().ok());
            let allowed = allowed.unwrap_or("other methods");
            let detail = format!("{method} is not possible here, only {allowed}");
            return Problem::new(status, "method_not_allowed", detail);
        }
        StatusCode::PAYLOAD_TOO_LARGE => ("body_too_large", "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("unsupported_media_type", "the body's content type is not understood")
        }
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

/// Answers `OPTIONS` with the methods that the router allows.
fn options(response: Response) -> Response {
    let allow = response.headers().get(header::ALLOW).cloned();
    let allow = allow.expect("looked at before");
    let mut answer = (StatusCode::NO_CONTENT, [(header::ALLOW, allow)]).into_response();
    answer.extensions_mut().extend(response.into_parts().0.extensions);
    answer
}

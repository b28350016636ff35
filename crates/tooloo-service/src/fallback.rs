//! What no route answers.

use http::{Method, StatusCode, Uri};

use axum::response::{IntoResponse, Response};

use crate::Problem;

pub(crate) async fn unknown(method: Method, uri: Uri) -> Response {
    // `OPTIONS *` asks about the server as a whole.
    if method == Method::OPTIONS && uri.path() == "*" {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail = format!("no route matches {}", uri.path());
    Problem::not_found("unknown_route", detail).into_response()
}

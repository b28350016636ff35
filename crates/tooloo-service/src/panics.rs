//! Panics of handlers: told to the log, not to the client.

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::Problem;

#[expect(clippy::needless_pass_by_value, reason = "the layer hands the payload over")]
pub(crate) fn answer(payload: Box<dyn Any + Send>) -> Response {
    let message = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(panic = message, "a handler panicked");
    Problem::internal("internal_error", "something went wrong here").into_response()
}

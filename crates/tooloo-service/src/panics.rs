//! Panics: told to the log, not to the client.

use std::{any::Any, panic};

use axum::response::{IntoResponse, Response};

use crate::Problem;

/// Has every panic of the process logged as one line, with its trace, instead of printed as several.
pub(crate) fn log() {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map(ToString::to_string);
        let message = message(info.payload());
        tracing::error!(panic = message, location, "a panic");
    }));
}

/// What a client is told whose handler panicked; the log has been told by then.
pub(crate) fn answer(_payload: Box<dyn Any + Send>) -> Response {
    Problem::internal("internal_error", "something went wrong here").into_response()
}

fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

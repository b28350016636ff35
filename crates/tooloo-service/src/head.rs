//! Bounds on a request's head: the length of its target, the size and number of its fields.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, Uri};

use crate::{KitConfig, Problem};

/// What a name and a value take on the wire beside themselves: `": "` and the line's end.
const FIELD_OVERHEAD: usize = 4;

#[derive(Clone, Copy, Debug)]
pub(crate) struct HeadLimits {
    target: usize,
    bytes: usize,
    fields: usize,
}

impl HeadLimits {
    pub(crate) fn new(config: &KitConfig) -> Self {
        Self {
            target: config.uri_limit,
            bytes: config.header_limit,
            fields: config.header_count,
        }
    }

    fn refusal(self, uri: &Uri, headers: &HeaderMap) -> Option<Problem> {
        let Self {
            target,
            bytes,
            fields,
        } = self;
        if uri.path_and_query().map_or(0, |path| path.as_str().len()) > target {
            return Some(Problem::new(
                StatusCode::URI_TOO_LONG,
                "uri_too_long",
                format!("the request target is longer than the allowed {target} bytes"),
            ));
        }
        let too_large = |detail| {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            Some(Problem::new(status, "header_too_large", detail))
        };
        if headers.len() > fields {
            return too_large(format!(
                "there are more header fields than the allowed {fields}"
            ));
        }
        let size: usize = headers
            .iter()
            .map(|(name, value)| name.as_str().len() + value.len() + FIELD_OVERHEAD)
            .sum();
        if size > bytes {
            return too_large(format!(
                "the header section is larger than the allowed {bytes} bytes"
            ));
        }
        None
    }
}

pub(crate) async fn check(
    State(limits): State<HeadLimits>,
    request: Request,
    next: Next,
) -> Response {
    match limits.refusal(request.uri(), request.headers()) {
        Some(problem) => problem.into_response(),
        None => next.run(request).await,
    }
}

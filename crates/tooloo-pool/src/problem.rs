//! A refusal as an answer: RFC 9457 problem details.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

use crate::{PoolError, Refusal};

/// In seconds: what is short now comes free soon, or is looked at again by an operator.
const RETRY_AFTER: u32 = 1;

#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: &'static str,
    error: &'static str,
    code: &'static str,
    #[serde(rename = "retryAfter", skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

impl PoolError {
    /// Returns the refusal as an answer: 503 with a problem body, which tells nothing of the program's inside.
    #[expect(clippy::missing_panics_doc, reason = "strings and numbers serialize")]
    pub fn to_response<B: From<Bytes>>(&self) -> Response<B> {
        let (detail, code) = match self.refusal() {
            Refusal::TimedOut => ("no connection came free in time", "pool_timeout"),
            Refusal::QueueFull | Refusal::TenantQueueFull => {
                ("too many requests wait for a connection", "pool_queue_full")
            }
            Refusal::Nested => ("no connection is free", "pool_nested_lease"),
            Refusal::Closed => ("the service is shutting down", "pool_closed"),
            Refusal::RequestOver => ("the request is over", "request_over"),
        };
        let title = "Database connection unavailable";
        let problem = Problem {
            r#type: "about:blank",
            title,
            status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
            detail,
            error: title,
            code,
            retry_after: self.is_temporary().then_some(RETRY_AFTER),
        };
        let body = serde_json::to_vec(&problem).expect("strings and numbers serialize");
        let mut response = Response::new(Bytes::from(body).into());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        let media_type = HeaderValue::from_static("application/problem+json");
        headers.insert(header::CONTENT_TYPE, media_type);
        if let Some(seconds) = problem.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

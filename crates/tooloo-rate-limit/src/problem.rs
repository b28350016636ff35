//! A refusal as an answer: RFC 9457 problem details.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use serde::Serialize;

use crate::{
    RateLimited, Refusal, Standing,
    headers::{Stamp, whole_seconds},
};

/// The draft's problem types.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
const REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

/// The media type of a problem.
pub(crate) const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");

/// Bytes that suffice for most problems.
const USUAL: usize = 512;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'a str,
    title: &'a str,
    status: u16,
    detail: String,
    error: &'a str,
    code: &'a str,
    #[serde(rename = "retryAfter", skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(rename = "violated-policies", skip_serializing_if = "Vec::is_empty")]
    violated_policies: Vec<&'a str>,
}

/// Writes the answer to a request that would have cost `cost`.
pub(crate) fn response<B: From<Bytes>>(
    refusal: RateLimited,
    cost: u32,
    standings: &[Standing],
    stamp: Option<Stamp>,
) -> Response<B> {
    let (status, kind, error, code) = describe(refusal.reason());
    let retry_after = refusal.retry_after().map(whole_seconds);
    let short = |standing: &&Standing| standing.remaining < cost;
    let violated = standings.iter().filter(short);
    let problem = Problem {
        r#type: kind,
        title: error,
        status: status.as_u16(),
        detail: detail(refusal, cost),
        error,
        code,
        retry_after,
        violated_policies: violated.map(|standing| standing.tier.name()).collect(),
    };
    let mut body = Vec::with_capacity(USUAL);
    serde_json::to_writer(&mut body, &problem).expect("strings and numbers serialize");
    let mut response = Response::new(Bytes::from(body).into());
    *response.status_mut() = status;
    *response.headers_mut() = if let Some(stamp) = stamp {
        stamp.refusal(retry_after)
    } else {
        let wait = retry_after.map(|seconds| (RETRY_AFTER, seconds.into()));
        let headers = [(CONTENT_TYPE, PROBLEM)].into_iter().chain(wait);
        headers.collect()
    };
    response
}

fn describe(reason: Refusal) -> (StatusCode, &'static str, &'static str, &'static str) {
    let spent = |error, code| (StatusCode::TOO_MANY_REQUESTS, QUOTA_EXCEEDED, error, code);
    match reason {
        Refusal::QuotaSpent | Refusal::TooLate => spent("Rate limit exceeded", "rate_limited"),
        Refusal::QueueFull => spent("Rate limit exceeded", "rate_limit_queue_full"),
        Refusal::TooCostly => spent("Request exceeds the rate limit", "cost_above_limit"),
        Refusal::StoreAway => (
            StatusCode::SERVICE_UNAVAILABLE,
            REDUCED_CAPACITY,
            "Rate limit unavailable",
            "rate_limit_unavailable",
        ),
    }
}

fn detail(refusal: RateLimited, cost: u32) -> String {
    let wait = refusal
        .retry_after()
        .map(|wait| format_wait(whole_seconds(wait)));
    match (refusal.reason(), wait) {
        (Refusal::TooCostly, _) | (_, None) => {
            format!("the request costs {cost}, which is more than its limit ever allows at once")
        }
        (Refusal::QueueFull, Some(wait)) => {
            format!("too many requests of this client wait already; try again in {wait}")
        }
        (Refusal::StoreAway, Some(wait)) => {
            format!("limits cannot be checked at the moment; try again in {wait}")
        }
        (Refusal::QuotaSpent | Refusal::TooLate, Some(wait)) => {
            format!("this client's quota is spent; try again in {wait}")
        }
    }
}

fn format_wait(seconds: u64) -> String {
    let plural = if seconds == 1 { "" } else { "s" };
    format!("{seconds} second{plural}")
}

/// Returns the wait that headers tell: a whole number of seconds, as `Retry-After` does.
pub(crate) fn told(refusal: RateLimited) -> Option<Duration> {
    let wait = refusal.retry_after()?;
    Some(Duration::from_secs(whole_seconds(wait)))
}

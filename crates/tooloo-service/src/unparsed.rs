//! What a client is told whose request hyper cannot even parse.
//!
//! Hyper answers such a request itself, below every layer of ours, with a bare status. On its way to
//! the socket that answer is exchanged for one with a problem.

use std::io::IoSlice;

use http::StatusCode;
use tooloo_trace::{SpanId, TraceId};

use crate::{problem::Problem, request_id};

/// More than hyper's own answers take, in bytes.
const LONGEST: usize = 256;

/// Returns what is to be sent in place of `bufs`, if they hold one of hyper's own answers.
pub(crate) fn exchange(bufs: &[IoSlice<'_>]) -> Option<Vec<u8>> {
    if bufs.iter().map(|buf| buf.len()).sum::<usize>() > LONGEST {
        return None;
    }
    let bytes: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
    let head = std::str::from_utf8(&bytes).ok()?.strip_suffix("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    // Every answer of ours has one.
    if head.contains(request_id::NAME) {
        return None;
    }
    Some(written(&problem(status)?))
}

fn problem(status: StatusCode) -> Option<Problem> {
    let (code, detail) = match status {
        StatusCode::BAD_REQUEST => ("malformed_request", "the request is not valid HTTP/1.1"),
        StatusCode::URI_TOO_LONG => ("uri_too_long", "the request target is far too long"),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            ("header_too_large", "the header section is far too large")
        }
        _ => return None,
    };
    Some(Problem::new(status, code, detail))
}

fn written(problem: &Problem) -> Vec<u8> {
    // No layer has begun a trace; as one whose id is random, and that is not sampled (flags 02).
    let (trace, span) = (TraceId::random(), SpanId::random());
    let body = problem.body_in(Some(trace.to_string()), None);
    let head = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n{}: {}\r\n\
         traceresponse: 00-{trace}-{span}-02\r\nconnection: close\r\n\r\n",
        problem.status(),
        body.len(),
        request_id::NAME,
        request_id::random(),
    );
    [head.into_bytes(), body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchanged(text: &str) -> Option<String> {
        let (first, rest) = text.as_bytes().split_at(text.len() / 2);
        let bytes = exchange(&[IoSlice::new(first), IoSlice::new(rest)])?;
        Some(String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn only_bare_refusals_are_exchanged() {
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
                    content-length: 0\r\n\r\n";
        let told = exchanged(bare).unwrap();
        assert!(
            told.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"),
            "{told}"
        );
        assert!(told.contains("header_too_large"), "{told}");
        let (_, rest) = told.split_once("\r\ntraceresponse: 00-").unwrap();
        let (trace, rest) = rest.split_once('-').unwrap();
        assert_eq!((trace.len(), rest.find("-02\r\n")), (32, Some(16)));
        assert!(told.contains(&format!("\"traceId\":\"{trace}\"")), "{told}");
        for other in [
            "",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\n\r\nbody",
            "some of a body\r\n\r\n",
        ] {
            assert_eq!(exchanged(other), None, "{other}");
        }
    }
}

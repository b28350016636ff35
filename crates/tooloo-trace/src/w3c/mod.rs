//! W3C Trace Context level 2 and Baggage: how a context travels between processes.
//!
//! Everything here is a pure function over header values; no input panics.

pub(crate) mod baggage;
pub(crate) mod hex;
pub(crate) mod ot;
pub(crate) mod traceparent;
pub(crate) mod tracestate;

use http::{HeaderMap, HeaderName};

pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
pub(crate) static TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
pub(crate) static BAGGAGE: HeaderName = HeaderName::from_static("baggage");

/// Requests with at most this many headers are looked through: comparing a few names takes less than
/// hashing one.
const FEW: usize = 8;

/// Returns whether a request may bring a context, by the names of its headers.
#[inline]
pub(crate) fn may_bring_context(headers: &HeaderMap) -> bool {
    headers.keys_len() > FEW
        || headers
            .keys()
            .any(|name| *name == TRACEPARENT || *name == BAGGAGE)
}

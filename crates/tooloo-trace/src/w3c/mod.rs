//! W3C Trace Context level 2 and Baggage: how a context travels between processes.
//!
//! Everything here is a pure function over header values; no input panics.

pub(crate) mod baggage;
pub(crate) mod hex;
pub(crate) mod ot;
pub(crate) mod traceparent;
pub(crate) mod tracestate;

use http::HeaderName;

pub(crate) static TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
pub(crate) static TRACESTATE: HeaderName = HeaderName::from_static("tracestate");
pub(crate) static TRACERESPONSE: HeaderName = HeaderName::from_static("traceresponse");
pub(crate) static BAGGAGE: HeaderName = HeaderName::from_static("baggage");

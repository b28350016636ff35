//! Feeds any headers through the server's and the client's layer: nothing panics, and what goes out is
//! read again as what it was.
#![no_main]

use std::{convert::Infallible, sync::LazyLock};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use tooloo_trace::{ClientTraceLayer, TraceConfig, TraceLayer, Tracer};
use tower::{Layer, ServiceExt, service_fn};

const NAMES: [HeaderName; 3] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("baggage"),
];

/// Made once: its figures have a bound, and are not what is looked for.
static TRACER: LazyLock<Tracer> = LazyLock::new(|| Tracer::new(TraceConfig::new("fuzz")));

fuzz_target!(|input: Vec<(u8, Vec<u8>)>| {
    let mut headers = HeaderMap::new();
    for (name, value) in input {
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            headers.append(&NAMES[usize::from(name) % NAMES.len()], value);
        }
    }
    let sent = pass(&headers);
    let again = pass(&sent);
    // The first pass may drop and normalise; what it sends is then stable, but for the span's id.
    assert_eq!(sent.get("tracestate"), again.get("tracestate"));
    assert_eq!(sent.get("baggage"), again.get("baggage"));
    let ids = |headers: &HeaderMap| headers["traceparent"].as_bytes()[..35].to_vec();
    assert_eq!(ids(&sent), ids(&again));
});

/// Sends headers through a server whose handler makes a call, and returns the headers of that call.
fn pass(headers: &HeaderMap) -> HeaderMap {
    let tracer = TRACER.clone();
    let callee = service_fn(|request: Request<()>| async move {
        let mut response = Response::new(Full::<Bytes>::default());
        *response.headers_mut() = request.headers().clone();
        Ok::<_, Infallible>(response)
    });
    let client = ClientTraceLayer::new(tracer.clone()).layer(callee);
    let handler = service_fn(move |_: Request<()>| client.clone().oneshot(Request::new(())));
    let server = TraceLayer::new(tracer).layer(handler);
    let mut request = Request::new(());
    *request.headers_mut() = headers.clone();
    let response = server.oneshot(request).now_or_never().expect("nothing waits").expect("nothing fails");
    let (mut head, _) = response.into_parts();
    head.headers.remove("traceresponse");
    head.headers
}

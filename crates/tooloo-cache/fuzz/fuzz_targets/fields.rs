//! Feeds any fields of requests and answers through the layer: nothing panics, nothing waits, and what must
//! not be stored is not.
#![no_main]

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use libfuzzer_sys::fuzz_target;
use tooloo_cache::{CacheLayer, HttpCacheConfig};
use tower::{Layer, ServiceExt, service_fn};

const NAMES: [&str; 28] = [
    "accept",
    "accept-encoding",
    "age",
    "authorization",
    "cache-control",
    "cache-group-invalidation",
    "cache-groups",
    "cache-tag",
    "cdn-cache-control",
    "connection",
    "content-length",
    "content-location",
    "date",
    "etag",
    "expires",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "last-modified",
    "location",
    "pragma",
    "range",
    "set-cookie",
    "surrogate-key",
    "tooloo-cache-control",
    "vary",
    "x-forwarded-host",
];

type Fields = Vec<(u8, Vec<u8>)>;

fuzz_target!(|input: (Fields, Fields, Fields, u8)| {
    let (first, second, answer, kind) = input;
    let (first, second, answer) = (fields(first), fields(second), fields(answer));
    let fields = answer.clone();
    let origin = service_fn(move |request: Request<()>| {
        let who = request.headers().get(header::AUTHORIZATION);
        let who = who.map_or_else(Bytes::new, |who| Bytes::copy_from_slice(who.as_bytes()));
        let mut response = Response::new(Full::new(who));
        *response.headers_mut() = fields.clone();
        async move { Ok::<_, Infallible>(response) }
    });
    let config = if kind & 1 == 0 { HttpCacheConfig::new() } else { HttpCacheConfig::private() };
    let stack = CacheLayer::new(config).layer(origin);
    let method = ["GET", "HEAD", "POST"][usize::from(kind >> 1) % 3];
    for (method, fields) in [("GET", &first), (method, &second), ("GET", &first), ("GET", &second)] {
        let mut request = Request::builder().method(method).uri("/x").body(()).expect("a request");
        *request.headers_mut() = fields.clone();
        request.headers_mut().insert(header::HOST, HeaderValue::from_static("a.example"));
        let response = stack.clone().oneshot(request).now_or_never();
        let response = response.expect("nothing to wait for").expect("nothing fails");
        let hit = response.headers().get_all("cache-status").iter().next_back();
        let hit = hit.is_some_and(|status| status.as_bytes().windows(5).any(|part| part == b"; hit"));
        drop(response.into_body().collect().now_or_never().expect("a body at once"));
        let control: Vec<_> = answer.get_all(header::CACHE_CONTROL).iter().collect();
        let targeted = answer.contains_key("cdn-cache-control") || answer.contains_key("tooloo-cache-control");
        let forbidden = control == ["no-store"] && !targeted;
        assert!(!(hit && forbidden), "no-store was stored");
    }
});

fn fields(input: Fields) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in input {
        let name = NAMES[usize::from(name) % NAMES.len()];
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    headers
}

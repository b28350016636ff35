//! Fields as nobody should send them: nothing panics, and what is in doubt is not stored.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use proptest::{collection::vec, prelude::*};
use tooloo_cache::{CacheLayer, HttpCacheConfig};
use tower::{Layer, ServiceExt, service_fn};

/// What a cache reads of a response.
const OF_RESPONSES: [&str; 22] = [
    "age",
    "cache-control",
    "cache-group-invalidation",
    "cache-groups",
    "cache-status",
    "cache-tag",
    "cdn-cache-control",
    "connection",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "location",
    "pragma",
    "set-cookie",
    "surrogate-key",
    "tooloo-cache-control",
    "vary",
];

/// What a cache reads of a request.
const OF_REQUESTS: [&str; 13] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "pragma",
    "range",
    "x-forwarded-host",
];

/// Pieces that mean something, to be put together in ways that do not.
const PIECES: [&str; 40] = [
    "max-age",
    "s-maxage",
    "no-store",
    "no-cache",
    "private",
    "public",
    "must-revalidate",
    "must-understand",
    "stale-while-revalidate",
    "stale-if-error",
    "only-if-cached",
    "max-stale",
    "min-fresh",
    "=",
    "=",
    ",",
    ", ",
    ";",
    "\"",
    "\\",
    "60",
    "0",
    "-1",
    "99999999999999999999",
    "1.5",
    "*",
    "W/",
    "\"a\"",
    "bytes=",
    "-",
    "0-1",
    "gzip",
    "q=0.5",
    "Fri, 13 Nov 2026 13:13:13 GMT",
    "Accept",
    "a.example",
    "/y",
    "http://",
    "(",
    "\t",
];

fn value() -> impl Strategy<Value = HeaderValue> {
    let pieces = vec(prop::sample::select(&PIECES[..]), 0..8).prop_map(|pieces| pieces.concat());
    let bytes = vec(any::<u8>(), 0..20);
    prop_oneof![
        4 => pieces.prop_map(String::into_bytes),
        1 => bytes,
    ]
    .prop_filter_map("a field's value", |bytes| {
        HeaderValue::from_bytes(&bytes).ok()
    })
}

fn fields(names: &'static [&'static str]) -> impl Strategy<Value = HeaderMap> {
    vec((prop::sample::select(names), value()), 0..6).prop_map(|fields| {
        let fields = fields.into_iter();
        fields
            .map(|(name, value)| (HeaderName::from_static(name), value))
            .fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            })
    })
}

/// Sends requests one after the other to an origin with one answer; returns what its clients got.
fn send(
    config: HttpCacheConfig,
    requests: impl IntoIterator<Item = (&'static str, HeaderMap)>,
    status: StatusCode,
    answer: &HeaderMap,
) -> Vec<(StatusCode, HeaderMap, Bytes)> {
    let answer = answer.clone();
    let origin = service_fn(move |_: Request<()>| {
        let mut response = Response::new(Full::from("0123456789"));
        *response.status_mut() = status;
        *response.headers_mut() = answer.clone();
        async move { Ok::<_, Infallible>(response) }
    });
    let stack = CacheLayer::new(config).layer(origin);
    let requests = requests.into_iter().map(|(method, fields)| {
        let mut request = Request::builder()
            .method(method)
            .uri("/x")
            .body(())
            .unwrap();
        *request.headers_mut() = fields;
        let response = stack.clone().oneshot(request).now_or_never();
        let (head, body) = response.expect("nothing to wait for").unwrap().into_parts();
        let body = body.collect().now_or_never().expect("a body at once");
        (
            head.status,
            head.headers,
            body.expect("a whole body").to_bytes(),
        )
    });
    requests.collect()
}

fn plain() -> HeaderMap {
    let host = HeaderValue::from_static("a.example");
    std::iter::once((http::header::HOST, host)).collect()
}

fn is_hit(fields: &HeaderMap) -> bool {
    let last = fields.get_all("cache-status").iter().next_back();
    last.is_some_and(|status| status.to_str().is_ok_and(|status| status.contains("; hit")))
}

proptest! {
    #[test]
    fn no_fields_make_it_panic(
        first in fields(&OF_REQUESTS),
        second in fields(&OF_REQUESTS),
        answer in fields(&OF_RESPONSES),
        status in prop::sample::select(vec![200_u16, 204, 206, 304, 404, 416, 500, 503]),
        change in prop::sample::select(vec!["GET", "HEAD", "POST", "DELETE"]),
        private: bool,
    ) {
        let config = if private { HttpCacheConfig::private() } else { HttpCacheConfig::new() };
        let status = StatusCode::from_u16(status).unwrap();
        let requests = [("GET", first), (change, second.clone()), ("GET", second), ("GET", plain())];
        for (status, fields, body) in send(config, requests, status, &answer) {
            // What it makes itself of a stored body is as long as it says.
            if is_hit(&fields) && status == StatusCode::PARTIAL_CONTENT {
                let length = fields["content-length"].to_str().unwrap().parse::<usize>();
                prop_assert_eq!(length.unwrap(), body.len());
            }
        }
    }

    #[test]
    fn what_forbids_storing_is_found_in_any_company(
        noise in vec(prop::sample::select(&PIECES[..13]), 0..4),
        forbidding in prop::sample::select(vec!["no-store", "private", "No-Store", "PRIVATE"]),
        place in 0_usize..4,
        lines: bool,
    ) {
        let mut members = noise;
        members.retain(|member| *member != "must-understand");
        members.insert(place.min(members.len()), forbidding);
        members.push("max-age=60");
        let mut answer = HeaderMap::new();
        let name = http::header::CACHE_CONTROL;
        if lines {
            for member in &members {
                answer.append(&name, HeaderValue::from_static(member));
            }
        } else {
            answer.insert(&name, HeaderValue::try_from(members.join(" ,")).unwrap());
        }
        let requests = [("GET", plain()), ("GET", plain())];
        let seen = send(HttpCacheConfig::new(), requests, StatusCode::OK, &answer);
        prop_assert!(!is_hit(&seen[1].1), "{:?}", members);
    }

    #[test]
    fn a_malformed_answer_is_not_a_hit(
        broken in prop::sample::select(vec![
            "max-age=60 public", "max-age=60;", "max-age =60", "max-age= 60", "max-age=\"60", "=60",
            "max-age=60, a b", "max-age=60, \"", "max-age=6 0", "max-age=60, x=\"a\"b", "max-age=60, @=1",
        ]),
        before in prop::sample::select(vec!["", "public, ", "max-age=60, "]),
    ) {
        let mut answer = HeaderMap::new();
        let value = HeaderValue::try_from(format!("{before}{broken}")).unwrap();
        answer.insert(http::header::CACHE_CONTROL, value);
        let requests = [("GET", plain()), ("GET", plain())];
        let seen = send(HttpCacheConfig::new(), requests, StatusCode::OK, &answer);
        prop_assert!(!is_hit(&seen[1].1), "{}{}", before, broken);
    }

    #[test]
    fn clients_with_different_fields_never_share_where_the_answer_varies(
        one in value(),
        other in value(),
        name in prop::sample::select(vec!["accept", "accept-encoding", "accept-language", "x-a"]),
    ) {
        // A value is the same as another one where it differs in blanks, case and weights only.
        let core = |value: &HeaderValue| {
            let bytes = value.as_bytes().to_ascii_lowercase();
            let mut bytes: Vec<u8> = bytes
                .into_iter()
                .filter(|byte| !b" \t,;q=01.".contains(byte))
                .collect();
            bytes.sort_unstable();
            bytes
        };
        prop_assume!(core(&one) != core(&other));
        let mut answer = HeaderMap::new();
        answer.insert(http::header::CACHE_CONTROL, HeaderValue::from_static("max-age=60"));
        answer.insert(http::header::VARY, HeaderValue::from_static(name));
        let asked = |value: HeaderValue| {
            let mut fields = plain();
            fields.insert(HeaderName::from_static(name), value);
            ("GET", fields)
        };
        let seen = send(HttpCacheConfig::new(), [asked(one), asked(other)], StatusCode::OK, &answer);
        prop_assert!(!is_hit(&seen[1].1));
    }
}

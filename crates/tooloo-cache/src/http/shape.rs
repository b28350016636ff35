//! The shape of an answer from the store: the whole, no body, parts of it, or that it is known.

use std::{fmt::Write, ops::Range, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::{
    config::{HttpCacheConfig, fields},
    range::{self, Wanted},
    stored::Head,
};

/// What of the body is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    Whole,
    Nothing,
    /// Other bytes in its place.
    These(Bytes),
}

/// An answer, but for what is added to each of them.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) part: Part,
}

/// The fields that a 304 has to have, RFC 9110 §15.4.5, and those that caches go by.
const NOT_MODIFIED: [HeaderName; 10] = [
    header::CACHE_CONTROL,
    fields::CDN_TARGET,
    header::CONTENT_LOCATION,
    header::DATE,
    header::ETAG,
    header::EXPIRES,
    header::LAST_MODIFIED,
    header::VARY,
    HeaderName::from_static("cache-groups"),
    super::status::CACHE_STATUS,
];

/// Shapes the answer to a request; without `body` only whole answers can be given.
pub(crate) fn shape(
    head: &Head,
    body: Option<&Bytes>,
    method: &Method,
    request: &HeaderMap,
    config: &HttpCacheConfig,
) -> Shape {
    let ok = head.status == StatusCode::OK;
    if ok && head.validators.are_known_to(request) {
        return not_modified(head);
    }
    if *method == Method::HEAD {
        return Shape::of(head, Part::Nothing);
    }
    match body {
        Some(body) if ok && request.contains_key(header::RANGE) => {
            ranges(head, body, request, config)
        }
        _ => Shape::of(head, Part::Whole),
    }
}

/// Adds how old the answer is, RFC 9111 §5.1, and what a CDN in front is told.
#[inline]
pub(crate) fn date(headers: &mut HeaderMap, age: Duration, config: &HttpCacheConfig) {
    headers.insert(header::AGE, HeaderValue::from(age.as_secs()));
    tell_cdn(headers, age, config);
}

/// Tells a CDN in front how long to keep the answer, where the response does not.
#[inline]
pub(crate) fn tell_cdn(headers: &mut HeaderMap, age: Duration, config: &HttpCacheConfig) {
    if let Some(cdn) = &config.cdn
        && !headers.contains_key(fields::CDN_TARGET)
    {
        headers.insert(fields::CDN_TARGET, cdn.field(age));
    }
}

impl Shape {
    fn of(head: &Head, part: Part) -> Self {
        Self {
            status: head.status,
            headers: head.shown().clone(),
            part,
        }
    }
}

fn not_modified(head: &Head) -> Shape {
    let shown = head.shown();
    let mut headers = HeaderMap::with_capacity(NOT_MODIFIED.len() + 2);
    for name in NOT_MODIFIED {
        for value in shown.get_all(&name) {
            headers.append(&name, value.clone());
        }
    }
    Shape {
        status: StatusCode::NOT_MODIFIED,
        headers,
        part: Part::Nothing,
    }
}

fn ranges(head: &Head, body: &Bytes, request: &HeaderMap, config: &HttpCacheConfig) -> Shape {
    if !head.validators.allow_range(request) {
        return Shape::of(head, Part::Whole);
    }
    match range::wanted(request, body.len(), config.max_ranges.get()) {
        Wanted::Whole => Shape::of(head, Part::Whole),
        Wanted::Nothing => {
            let mut shape = Shape::of(head, Part::Nothing);
            shape.status = StatusCode::RANGE_NOT_SATISFIABLE;
            shape.headers.remove(header::CONTENT_TYPE);
            shape.headers.remove(header::CONTENT_ENCODING);
            let unsatisfied = field(&format!("bytes */{}", body.len()));
            shape.headers.insert(header::CONTENT_RANGE, unsatisfied);
            shape
                .headers
                .insert(header::CONTENT_LENGTH, HeaderValue::from(0));
            shape
        }
        Wanted::Parts(parts) => partial(head, body, &parts),
    }
}

fn partial(head: &Head, body: &Bytes, parts: &[Range<usize>]) -> Shape {
    let mut shape = Shape::of(head, Part::Nothing);
    shape.status = StatusCode::PARTIAL_CONTENT;
    let sent = if let [part] = parts {
        let place = field(&content_range(part, body.len()));
        shape.headers.insert(header::CONTENT_RANGE, place);
        body.slice(part.clone())
    } else {
        let boundary = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let sent = multipart(head, body, parts, &boundary);
        let kind = field(&format!("multipart/byteranges; boundary={boundary}"));
        shape.headers.insert(header::CONTENT_TYPE, kind);
        sent
    };
    let length = HeaderValue::from(sent.len());
    shape.headers.insert(header::CONTENT_LENGTH, length);
    shape.part = Part::These(sent);
    shape
}

fn multipart(head: &Head, body: &Bytes, parts: &[Range<usize>], boundary: &str) -> Bytes {
    let mut sent = Vec::new();
    for part in parts {
        let mut start = format!("--{boundary}\r\n");
        if let Some(Ok(kind)) = head
            .headers
            .get(header::CONTENT_TYPE)
            .map(HeaderValue::to_str)
        {
            write!(start, "Content-Type: {kind}\r\n").expect("text grows");
        }
        let place = content_range(part, body.len());
        write!(start, "Content-Range: {place}\r\n\r\n").expect("text grows");
        sent.extend_from_slice(start.as_bytes());
        sent.extend_from_slice(&body[part.clone()]);
        sent.extend_from_slice(b"\r\n");
    }
    sent.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    sent.into()
}

fn content_range(part: &Range<usize>, length: usize) -> String {
    format!("bytes {}-{}/{length}", part.start, part.end - 1)
}

fn field(text: &str) -> HeaderValue {
    HeaderValue::try_from(text).expect("digits and letters make a field")
}

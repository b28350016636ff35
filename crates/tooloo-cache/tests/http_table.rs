//! RFC 9111 §3 to §5 and what extends it, as a table: each row cites its section.
//!
//! A row is `section | claim | first request | first answer | seconds | second request | second answer |
//! outcome`. Requests and answers are a method or a status and fields, parted by ` & `; what is left out is a
//! GET, a 200, nothing, or the first answer again. `{-10}` is the date of ten seconds ago. The outcome is that of
//! the second request:
//!
//! - `hit`, `stale`: answered from the store, fresh or not, and the origin not asked; with another status
//!   where it is not 200;
//! - `refreshed`: answered from the store, and the origin asked behind that;
//! - `validated`, `replaced`: the origin asked about what is stored, and said that it is good, or gave another;
//! - `excused`: the origin asked, and the store answered because it failed;
//! - `miss`: answered by the origin, as if nothing were stored;
//! - `504`: the cache's own refusal.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use tooloo_cache::{CacheLayer, HttpCacheConfig};
use tower::{Layer, ServiceExt, service_fn};

const SHARED: [(&str, &str); 5] = [
    ("storing", include_str!("http_table/storing.txt")),
    ("reusing", include_str!("http_table/reusing.txt")),
    ("freshness", include_str!("http_table/freshness.txt")),
    ("requests", include_str!("http_table/requests.txt")),
    ("responses", include_str!("http_table/responses.txt")),
];

#[derive(Clone, Debug)]
struct Message {
    method: Method,
    status: StatusCode,
    fields: HeaderMap,
}

/// What the origin was asked, and whether it answered that nothing changed.
#[derive(Clone, Debug)]
struct Call {
    conditional: bool,
    unchanged: bool,
}

#[tokio::test(start_paused = true)]
async fn a_shared_cache_does_what_the_table_says() {
    let mut rows = 0;
    let mut wrong = Vec::new();
    for (name, table) in SHARED {
        rows += check(name, table, HttpCacheConfig::new, &mut wrong).await;
    }
    assert!(
        wrong.is_empty(),
        "{} of {rows}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(rows >= 150, "only {rows} rows");
}

#[tokio::test(start_paused = true)]
async fn a_private_cache_does_what_the_table_says() {
    let mut wrong = Vec::new();
    let table = include_str!("http_table/private.txt");
    check("private", table, HttpCacheConfig::private, &mut wrong).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn check(
    name: &str,
    table: &str,
    config: fn() -> HttpCacheConfig,
    wrong: &mut Vec<String>,
) -> usize {
    let rows = table.lines().enumerate();
    let rows = rows.filter(|(_, row)| !row.trim().is_empty() && !row.starts_with('#'));
    let mut count = 0;
    for (number, row) in rows {
        count += 1;
        let columns: Vec<&str> = row.split('|').map(str::trim).collect();
        let [
            section,
            claim,
            first,
            answer,
            seconds,
            second,
            again,
            expected,
        ] = columns[..]
        else {
            panic!(
                "{name}:{}: eight columns, not {}",
                number + 1,
                columns.len()
            );
        };
        assert!(
            section.starts_with('§') || section.starts_with("RFC"),
            "{row}"
        );
        let answer = message(answer);
        let again = if again.is_empty() {
            answer.clone()
        } else {
            message(again)
        };
        let wait = Duration::from_secs(seconds.parse().unwrap_or(0));
        let (first, second) = (message(first), message(second));
        let outcome = run(config(), &first, answer, wait, &second, again).await;
        if outcome != expected {
            let number = number + 1;
            wrong.push(format!(
                "{name}:{number}: {section} {claim}: {outcome}, not {expected}"
            ));
        }
    }
    count
}

/// Sends both requests, and tells what became of the second one.
async fn run(
    config: HttpCacheConfig,
    first: &Message,
    answer: Message,
    wait: Duration,
    second: &Message,
    again: Message,
) -> String {
    let calls = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&calls);
    let origin = service_fn(move |request: Request<()>| {
        let mut calls = seen.lock().unwrap();
        let (response, call) = respond(&request, if calls.is_empty() { &answer } else { &again });
        calls.push(call);
        async move { Ok::<_, Infallible>(response) }
    });
    let layer = CacheLayer::new(config);
    let stack = layer.layer(origin);
    let response = within(stack.clone().oneshot(request(first))).await.unwrap();
    within(response.into_body().collect())
        .await
        .expect("a first body");
    assert_eq!(
        calls.lock().unwrap().len(),
        1,
        "the first request is a miss"
    );
    tokio::time::advance(wait).await;
    let response = within(stack.oneshot(request(second))).await.unwrap();
    let (head, body) = response.into_parts();
    within(body.collect()).await.expect("a second body");
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let calls = calls.lock().unwrap();
    let status = head.headers.get_all("cache-status").iter().next_back();
    let status = status.expect("a Cache-Status").to_str().unwrap();
    outcome(calls.get(1), head.status, status)
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    let patience = Duration::from_secs(60);
    tokio::time::timeout(patience, future)
        .await
        .expect("an answer in time")
}

fn outcome(call: Option<&Call>, status: StatusCode, cache_status: &str) -> String {
    let has = |member: &str| cache_status.split("; ").any(|part| part == member);
    let ttl = cache_status.split("ttl=").nth(1);
    let ttl = ttl.map(|ttl| ttl.split(';').next().unwrap().parse::<i64>().unwrap());
    let how = match call {
        None if has("hit") && ttl > Some(0) => "hit",
        None if has("hit") => "stale",
        None => return status.as_str().to_owned(),
        Some(_) if has("hit") => "refreshed",
        Some(_) if has("detail=stale-if-error") => "excused",
        Some(call) if call.conditional && call.unchanged => "validated",
        Some(call) if call.conditional => "replaced",
        Some(_) => "miss",
    };
    match status {
        StatusCode::NOT_MODIFIED
        | StatusCode::PARTIAL_CONTENT
        | StatusCode::RANGE_NOT_SATISFIABLE => {
            format!("{how} {}", status.as_str())
        }
        _ => how.to_owned(),
    }
}

/// Answers as an origin does that knows conditional requests, and nothing of ranges.
fn respond(request: &Request<()>, answer: &Message) -> (Response<Full<Bytes>>, Call) {
    let asked = |name| request.headers().get(name);
    let tag = asked(header::IF_NONE_MATCH);
    let since = asked(header::IF_MODIFIED_SINCE);
    let same =
        |asked: Option<&HeaderValue>, name| asked.is_some() && asked == answer.fields.get(name);
    let unchanged = answer.status.is_success()
        && (same(tag, header::ETAG) || tag.is_none() && same(since, header::LAST_MODIFIED));
    let body = match request.method() {
        &Method::HEAD => Bytes::new(),
        _ if unchanged => Bytes::new(),
        _ => Bytes::from_static(b"0123456789"),
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = if unchanged {
        StatusCode::NOT_MODIFIED
    } else {
        answer.status
    };
    *response.headers_mut() = answer.fields.clone();
    let conditional = tag.is_some() || since.is_some();
    (
        response,
        Call {
            conditional,
            unchanged,
        },
    )
}

fn request(message: &Message) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = "/x".parse().unwrap();
    *request.method_mut() = message.method.clone();
    *request.headers_mut() = message.fields.clone();
    request
        .headers_mut()
        .insert(header::HOST, HeaderValue::from_static("a.example"));
    request
}

fn message(text: &str) -> Message {
    let mut message = Message {
        method: Method::GET,
        status: StatusCode::OK,
        fields: HeaderMap::new(),
    };
    for part in text
        .split(" & ")
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        if let Some((name, value)) = part.split_once(':') {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a field's name");
            let value = dated(value.trim());
            message
                .fields
                .append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        } else if part.starts_with(|letter: char| letter.is_ascii_digit()) {
            message.status = part.parse().expect("a status");
        } else {
            message.method = part.parse().expect("a method");
        }
    }
    message
}

/// Puts dates in the places of their offsets.
fn dated(value: &str) -> String {
    let Some((before, rest)) = value.split_once('{') else {
        return value.to_owned();
    };
    let (offset, after) = rest.split_once('}').expect("a closing brace");
    let now = tooloo_clock::wall();
    let seconds = Duration::from_secs(offset[1..].parse().expect("a number of seconds"));
    let at: SystemTime = if offset.starts_with('-') {
        now - seconds
    } else {
        now + seconds
    };
    format!("{before}{}{after}", httpdate::fmt_http_date(at))
}

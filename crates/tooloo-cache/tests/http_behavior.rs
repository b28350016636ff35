//! What clients, origins and operators see of an HTTP cache.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::{
    future::{Ready, ready},
    io,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use tooloo_cache::{
    CacheLayer, CacheService, CacheStatus, CdnHeaders, HttpCache, HttpCacheConfig, QueryRule,
};
use tower::{Layer, Service, ServiceExt};

type Script = dyn Fn(&Request<()>) -> io::Result<Response<Full<Bytes>>> + Send + Sync;

/// An origin that notes what it is asked.
#[derive(Clone)]
struct Origin {
    script: Arc<Script>,
    requests: Arc<Mutex<Vec<(Method, Uri, HeaderMap)>>>,
}

struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Service<Request<()>> for Origin {
    type Response = Response<Full<Bytes>>;
    type Error = io::Error;
    type Future = Ready<io::Result<Response<Full<Bytes>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let answer = (self.script)(&request);
        let (head, ()) = request.into_parts();
        let seen = (head.method, head.uri, head.headers);
        self.requests.lock().unwrap().push(seen);
        ready(answer)
    }
}

/// A cache before an origin.
struct Site {
    origin: Origin,
    http: HttpCache,
    stack: CacheService<Origin>,
}

impl Site {
    fn new(
        config: HttpCacheConfig,
        script: impl Fn(&Request<()>) -> Response<Full<Bytes>> + Send + Sync + 'static,
    ) -> Self {
        Self::failing(config, move |request| Ok(script(request)))
    }

    fn failing(
        config: HttpCacheConfig,
        script: impl Fn(&Request<()>) -> io::Result<Response<Full<Bytes>>> + Send + Sync + 'static,
    ) -> Self {
        let origin = Origin {
            script: Arc::new(script),
            requests: Arc::default(),
        };
        let layer = CacheLayer::new(config);
        Self {
            stack: layer.layer(origin.clone()),
            http: layer.http_cache().clone(),
            origin,
        }
    }

    async fn send(&self, method: &str, uri: &str, fields: &[(&str, &str)]) -> Seen {
        self.try_send(method, uri, fields).await.expect("an answer")
    }

    async fn try_send(&self, method: &str, uri: &str, fields: &[(&str, &str)]) -> io::Result<Seen> {
        let mut request = Request::builder().method(method).uri(uri);
        if !fields.iter().any(|(name, _)| *name == "host") && uri.starts_with('/') {
            request = request.header("host", "a.example");
        }
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let response = self.stack.clone().oneshot(request.body(()).unwrap());
        let response = tokio::time::timeout(Duration::from_secs(60), response).await;
        let (head, body) = response.expect("an answer in time")?.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Ok(Seen {
            status: head.status,
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        })
    }

    async fn get(&self, uri: &str) -> Seen {
        self.send("GET", uri, &[]).await
    }

    fn calls(&self) -> usize {
        self.origin.requests.lock().unwrap().len()
    }

    fn last_request(&self) -> HeaderMap {
        let requests = self.origin.requests.lock().unwrap();
        requests.last().expect("a request").2.clone()
    }
}

impl Seen {
    fn status_line(&self) -> &str {
        let last = self.headers.get_all("cache-status").iter().next_back();
        last.expect("a Cache-Status").to_str().unwrap()
    }

    fn is_hit(&self) -> bool {
        self.status_line().contains("; hit")
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

fn answer(fields: &[(&str, &str)], body: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_owned()));
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        let value = HeaderValue::from_str(value).unwrap();
        response.headers_mut().append(name, value);
    }
    response
}

fn cached(body: &str) -> Response<Full<Bytes>> {
    answer(&[("cache-control", "max-age=60")], body)
}

async fn wait(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// Answers with the host and path that were asked for.
fn echo(request: &Request<()>) -> Response<Full<Bytes>> {
    let host = request.headers().get("host");
    let host = host.map(|host| host.to_str().unwrap());
    let host = host.or(request.uri().host()).unwrap_or_default();
    cached(&format!("{host}{}", request.uri().path()))
}

#[tokio::test(start_paused = true)]
async fn two_hosts_never_share_an_entry() {
    let site = Site::new(HttpCacheConfig::new(), echo);
    for (uri, host) in [
        ("/x", "a.example"),
        ("/x", "b.example"),
        ("/x", "a.example:8080"),
        ("http://c.example/x", "c.example"),
    ] {
        let seen = site.send("GET", uri, &[("host", host)]).await;
        assert_eq!(seen.body, format!("{host}/x"));
        assert!(!seen.is_hit());
        let again = site.send("GET", uri, &[("host", host)]).await;
        assert_eq!(again.body, seen.body);
        assert!(again.is_hit());
    }
    assert_eq!(site.calls(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_request_whose_host_is_in_doubt_passes_by() {
    let site = Site::new(HttpCacheConfig::new(), |_| cached("x"));
    for host in ["", "a b", "a/b", "a@b"] {
        let seen = site.send("GET", "/x", &[("host", host)]).await;
        assert_eq!(seen.status_line(), "tooloo; fwd=bypass");
    }
    let two = [("host", "a.example"), ("host", "b.example")];
    assert_eq!(
        site.send("GET", "/x", &two).await.status_line(),
        "tooloo; fwd=bypass"
    );
    let other = [("host", "b.example")];
    let seen = site.send("GET", "http://a.example/x", &other).await;
    assert_eq!(seen.status_line(), "tooloo; fwd=bypass");
    assert_eq!(site.calls(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_field_that_nobody_names_does_not_change_what_others_get() {
    let site = Site::new(HttpCacheConfig::new(), |request| {
        let host = request.headers().get("x-forwarded-host");
        let host = host.map_or("a.example", |host| host.to_str().unwrap());
        cached(&format!("https://{host}/login"))
    });
    let evil = [("x-forwarded-host", "evil.example")];
    let seen = site.send("GET", "/x", &evil).await;
    assert_eq!(seen.body, "https://evil.example/login");
    assert_eq!(site.get("/x").await.body, "https://a.example/login");
    assert!(site.get("/x").await.is_hit());
}

#[tokio::test(start_paused = true)]
async fn a_hit_tells_its_age_and_what_is_left() {
    let site = Site::new(HttpCacheConfig::new(), |_| {
        answer(&[("cache-control", "max-age=60"), ("age", "5")], "x")
    });
    let miss = site.get("/x").await;
    assert_eq!(
        miss.status_line(),
        "tooloo; fwd=uri-miss; fwd-status=200; ttl=55; stored"
    );
    wait(10).await;
    let hit = site.get("/x").await;
    assert_eq!(hit.field("age"), Some("15"));
    assert_eq!(hit.status_line(), "tooloo; hit; ttl=45");
    assert!(hit.field("date").is_some(), "a stored response has a date");
    assert_eq!(hit.field("content-length"), Some("1"));
}

#[tokio::test(start_paused = true)]
async fn the_status_of_the_caches_behind_comes_first() {
    let config = HttpCacheConfig::new()
        .with_name("edge")
        .with_cache_status(CacheStatus::WithKey);
    let site = Site::new(config, |_| {
        answer(
            &[
                ("cache-control", "max-age=60"),
                ("cache-status", "inner; hit"),
            ],
            "x",
        )
    });
    site.get("/x?a=b").await;
    let hit = site.get("/x?a=b").await;
    let all: Vec<_> = hit.headers.get_all("cache-status").iter().collect();
    assert_eq!(all[0], "inner; hit");
    assert_eq!(all[1], "edge; hit; ttl=60; key=\"http://a.example/x?a=b\"");
    let config = HttpCacheConfig::new().with_cache_status(CacheStatus::Off);
    let site = Site::new(config, |_| cached("x"));
    assert_eq!(site.get("/x").await.field("cache-status"), None);
}

#[tokio::test(start_paused = true)]
async fn fields_for_one_connection_or_one_client_are_not_stored() {
    let site = Site::new(HttpCacheConfig::new(), |_| {
        let fields = [
            (
                "cache-control",
                "max-age=60, private=\"x-user\", no-cache=\"x-once\"",
            ),
            ("connection", "x-hop, close"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("x-user", "me"),
            ("x-once", "1"),
            ("x-kept", "1"),
            ("x-kept", "2"),
        ];
        answer(&fields, "x")
    });
    let first = site.get("/x").await;
    assert_eq!(first.field("x-user"), Some("me"), "its own client gets it");
    let hit = site.get("/x").await;
    for gone in [
        "connection",
        "x-hop",
        "keep-alive",
        "proxy-authenticate",
        "x-user",
        "x-once",
    ] {
        assert_eq!(hit.field(gone), None, "{gone}");
    }
    let kept: Vec<_> = hit.headers.get_all("x-kept").iter().collect();
    assert_eq!(kept, ["1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn conditions_and_ranges_are_not_passed_on_where_the_whole_is_to_be_stored() {
    let site = Site::new(HttpCacheConfig::new(), |_| {
        answer(&[("cache-control", "max-age=60"), ("etag", "\"a\"")], "x")
    });
    let seen = site.send("GET", "/x", &[("if-none-match", "\"a\"")]).await;
    assert_eq!(seen.status, StatusCode::NOT_MODIFIED);
    assert_eq!(seen.field("etag"), Some("\"a\""));
    assert!(!site.last_request().contains_key("if-none-match"));
    assert_eq!(site.get("/x").await.body, "x");
    assert_eq!(site.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn ranges_are_cut_from_the_whole() {
    let site = Site::new(HttpCacheConfig::new(), |_| {
        let fields = [
            ("cache-control", "max-age=60"),
            ("content-type", "text/plain"),
        ];
        answer(&fields, "0123456789")
    });
    site.get("/x").await;
    let one = site.send("GET", "/x", &[("range", "bytes=2-4")]).await;
    assert_eq!(one.body, "234");
    assert_eq!(one.field("content-range"), Some("bytes 2-4/10"));
    assert_eq!(one.field("content-length"), Some("3"));
    let two = site.send("GET", "/x", &[("range", "bytes=0-1,-2")]).await;
    let kind = two.field("content-type").unwrap();
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap();
    let parts: Vec<&str> = two.body.split(&format!("--{boundary}")).collect();
    assert_eq!(
        parts[1],
        "\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n"
    );
    assert!(parts[2].ends_with("\r\n\r\n89\r\n"));
    assert_eq!(parts[3], "--\r\n");
    assert_eq!(
        two.field("content-length"),
        Some(two.body.len().to_string().as_str())
    );
    let none = site.send("GET", "/x", &[("range", "bytes=10-")]).await;
    assert_eq!(none.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(none.field("content-range"), Some("bytes */10"));
    assert_eq!(none.body, "");
    let head = site.send("HEAD", "/x", &[]).await;
    assert_eq!(
        (head.body.as_str(), head.field("content-length")),
        ("", Some("10"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_304_brings_new_fields_and_leaves_the_body() {
    let site = Site::new(HttpCacheConfig::new(), |request| {
        if request.headers().contains_key("if-none-match") {
            let fields = [
                ("cache-control", "max-age=100"),
                ("etag", "\"a\""),
                ("x-new", "1"),
                ("content-length", "0"),
                ("content-encoding", "gzip"),
            ];
            let mut response = answer(&fields, "");
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        answer(
            &[
                ("cache-control", "max-age=10"),
                ("etag", "\"a\""),
                ("x-old", "1"),
            ],
            "body",
        )
    });
    site.get("/x").await;
    wait(11).await;
    let seen = site.get("/x").await;
    assert_eq!((seen.status, seen.body.as_str()), (StatusCode::OK, "body"));
    assert_eq!(
        seen.status_line(),
        "tooloo; fwd=stale; fwd-status=304; ttl=100; stored"
    );
    wait(99).await;
    let hit = site.get("/x").await;
    assert!(hit.is_hit());
    assert_eq!(hit.body, "body");
    assert_eq!(hit.field("x-new"), Some("1"));
    assert_eq!(hit.field("x-old"), Some("1"));
    assert_eq!(hit.field("content-length"), Some("4"));
    assert_eq!(hit.field("content-encoding"), None);
    assert_eq!(hit.field("age"), Some("99"));
}

#[tokio::test(start_paused = true)]
async fn a_304_that_may_not_be_stored_ends_what_was_stored() {
    for (name, value) in [
        ("cache-control", "no-store"),
        ("set-cookie", "a=1"),
        ("etag", "\"b\""),
    ] {
        let site = Site::new(HttpCacheConfig::new(), move |request| {
            if request.headers().contains_key("if-none-match") {
                let mut response = answer(&[(name, value)], "");
                *response.status_mut() = StatusCode::NOT_MODIFIED;
                return response;
            }
            answer(
                &[("cache-control", "max-age=10"), ("etag", "\"a\"")],
                "body",
            )
        });
        site.get("/x").await;
        wait(11).await;
        let seen = site.get("/x").await;
        assert_eq!(seen.body, "body");
        assert_eq!(
            seen.field(name),
            Some(value),
            "its client gets it all the same"
        );
        let again = site.get("/x").await;
        assert!(!again.is_hit(), "{name}: {}", again.status_line());
        assert!(!site.last_request().contains_key("if-none-match"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_answer_to_a_head_freshens_or_ends_what_is_stored() {
    for (tag, fresh) in [("\"a\"", true), ("\"b\"", false)] {
        let site = Site::new(HttpCacheConfig::new(), move |request| {
            if request.method() == Method::HEAD {
                return answer(&[("cache-control", "max-age=100"), ("etag", tag)], "");
            }
            answer(
                &[("cache-control", "max-age=10"), ("etag", "\"a\"")],
                "body",
            )
        });
        site.get("/x").await;
        wait(11).await;
        site.send("HEAD", "/x", &[]).await;
        let seen = site.get("/x").await;
        assert_eq!(seen.is_hit(), fresh, "{}", seen.status_line());
        assert_eq!(seen.body, "body");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_errs_is_excused_by_what_is_stored() {
    let failing = Arc::new(Mutex::new(false));
    let fails = Arc::clone(&failing);
    let site = Site::failing(HttpCacheConfig::new(), move |_| {
        if *fails.lock().unwrap() {
            return Err(io::Error::other("down"));
        }
        Ok(answer(
            &[("cache-control", "max-age=10, stale-if-error=60")],
            "x",
        ))
    });
    site.get("/x").await;
    *failing.lock().unwrap() = true;
    wait(20).await;
    let seen = site.get("/x").await;
    assert_eq!(seen.body, "x");
    assert_eq!(
        seen.status_line(),
        "tooloo; fwd=stale; detail=stale-if-error"
    );
    wait(60).await;
    let error = site.try_send("GET", "/x", &[]).await.err();
    assert_eq!(error.expect("the service's own error").to_string(), "down");
}

#[tokio::test(start_paused = true)]
async fn an_unsafe_request_that_took_effect_invalidates() {
    // RFC 9111 §4.4, by row: method, status, its answer's fields, and which of the paths are gone.
    let all = ["/x", "/y", "/z"];
    for (method, status, fields, gone) in [
        ("POST", 200, vec![], vec!["/x"]),
        ("PUT", 201, vec![], vec!["/x"]),
        ("DELETE", 204, vec![], vec!["/x"]),
        ("PATCH", 303, vec![], vec!["/x"]),
        ("FROB", 200, vec![], vec!["/x"]),
        ("POST", 400, vec![], vec![]),
        ("POST", 500, vec![], vec![]),
        ("OPTIONS", 200, vec![], vec![]),
        ("POST", 200, vec![("location", "/y")], vec!["/x", "/y"]),
        (
            "POST",
            200,
            vec![("content-location", "y")],
            vec!["/x", "/y"],
        ),
        (
            "POST",
            200,
            vec![
                ("location", "/y"),
                ("content-location", "http://a.example/z"),
            ],
            all.to_vec(),
        ),
        (
            "POST",
            200,
            vec![("location", "http://b.example/y")],
            vec!["/x"],
        ),
        (
            "POST",
            200,
            vec![("location", "https://a.example/y")],
            vec!["/x"],
        ),
        (
            "POST",
            200,
            vec![("location", "http://a.example:81/y")],
            vec!["/x"],
        ),
        ("POST", 500, vec![("location", "/y")], vec![]),
        (
            "POST",
            200,
            vec![("cache-group-invalidation", "\"g\"")],
            vec!["/x", "/z"],
        ),
        (
            "POST",
            400,
            vec![("cache-group-invalidation", "\"g\"")],
            vec![],
        ),
        (
            "POST",
            200,
            vec![("cache-group-invalidation", "g")],
            vec!["/x"],
        ),
    ] {
        let changed = fields.clone();
        let site = Site::new(HttpCacheConfig::new(), move |request| {
            if request.method() == Method::GET {
                let fields = [
                    ("cache-control", "max-age=60"),
                    ("vary", "x-v"),
                    ("cache-groups", "\"g\""),
                ];
                let grouped = if request.uri().path() == "/z" { 3 } else { 2 };
                return answer(&fields[..grouped], "x");
            }
            let mut response = answer(&changed, "");
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response
        });
        for path in all {
            site.get(path).await;
            site.send("GET", path, &[("x-v", "1")]).await;
        }
        site.send(method, "/x", &[]).await;
        for path in all {
            let row = format!("{method} {status} {fields:?}: {path}");
            for variant in [&[][..], &[("x-v", "1")][..]] {
                let hit = site.send("GET", path, variant).await.is_hit();
                assert_eq!(hit, !gone.contains(&path), "{row}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn groups_are_each_origins_own() {
    let site = Site::new(HttpCacheConfig::new(), |request| {
        if request.method() == Method::GET {
            return answer(
                &[("cache-control", "max-age=60"), ("cache-groups", "\"g\"")],
                "x",
            );
        }
        answer(&[("cache-group-invalidation", "\"g\"")], "")
    });
    site.get("http://a.example/x").await;
    site.get("http://b.example/x").await;
    site.send("POST", "http://b.example/y", &[]).await;
    assert!(site.get("http://a.example/x").await.is_hit());
    assert!(!site.get("http://b.example/x").await.is_hit());
    let origin = Uri::from_static("http://a.example");
    assert!(site.http.purge_group(&origin, "g", false).await);
    assert!(!site.get("http://a.example/x").await.is_hit());
}

#[tokio::test(start_paused = true)]
async fn a_purge_reaches_all_variants_and_nothing_else() {
    let site = Site::new(HttpCacheConfig::new(), |request| {
        let mut fields = vec![("cache-control", "max-age=60"), ("vary", "x-v")];
        if request.uri().path() == "/a/1" {
            fields.extend([("cache-tag", "red, green"), ("surrogate-key", "blue  grey")]);
        }
        answer(&fields, "x")
    });
    let uri = Uri::from_static("http://a.example/a/1");
    for purge in 0..7 {
        for path in ["/a/1", "/a/2", "/a/12", "/b"] {
            site.get(path).await;
            site.send("GET", path, &[("x-v", "1")]).await;
        }
        let gone: &[&str] = match purge {
            0 => {
                assert!(site.http.purge_uri(&uri, false).await);
                &["/a/1"]
            }
            1 => {
                site.http.purge_prefix("http://a.example/a/", false).await;
                &["/a/1", "/a/2", "/a/12"]
            }
            2 => {
                site.http.purge_tag("green", false).await;
                &["/a/1"]
            }
            3 => {
                site.http.purge_tag("grey", false).await;
                &["/a/1"]
            }
            4 => {
                site.http.purge_tag("gre", false).await;
                &[]
            }
            5 => {
                site.http.purge_prefix("http://a.exampl", false).await;
                &["/a/1", "/a/2", "/a/12", "/b"]
            }
            _ => {
                assert!(!site.http.purge_uri(&Uri::from_static("/a/1"), false).await);
                &[]
            }
        };
        for path in ["/a/1", "/a/2", "/a/12", "/b"] {
            for variant in [&[][..], &[("x-v", "1")][..]] {
                let hit = site.send("GET", path, variant).await.is_hit();
                assert_eq!(hit, !gone.contains(&path), "{purge}: {path}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_soft_purge_leaves_stale_answers_where_they_are_allowed() {
    let site = Site::new(HttpCacheConfig::new(), |request| {
        let control = match request.uri().path() {
            "/a" => "max-age=60, stale-while-revalidate=60",
            _ => "max-age=60",
        };
        answer(
            &[
                ("cache-control", control),
                ("etag", "\"a\""),
                ("cache-tag", "t"),
            ],
            "x",
        )
    });
    site.get("/a").await;
    site.get("/b").await;
    site.http.purge_tag("t", true).await;
    let stale = site.get("/a").await;
    assert!(stale.is_hit(), "{}", stale.status_line());
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(site.calls(), 3, "and is refreshed behind that");
    let validated = site.get("/b").await;
    assert!(
        validated.status_line().contains("fwd=stale"),
        "{}",
        validated.status_line()
    );
    assert!(site.last_request().contains_key("if-none-match"));
}

#[tokio::test(start_paused = true)]
async fn too_many_or_too_long_tags_keep_a_response_out() {
    let config = || {
        let most = NonZeroUsize::new(2).unwrap();
        HttpCacheConfig::new().with_max_tags(most, NonZeroUsize::new(4).unwrap())
    };
    for (tags, stored) in [
        ("a,b", true),
        (",a,, b,", true),
        ("a,b,c", false),
        ("abcde", false),
    ] {
        let site = Site::new(config(), move |_| {
            answer(&[("cache-control", "max-age=60"), ("cache-tag", tags)], "x")
        });
        let miss = site.get("/x").await;
        assert_eq!(miss.status_line().ends_with("; stored"), stored, "{tags}");
        assert_eq!(site.get("/x").await.is_hit(), stored, "{tags}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_cdn_is_told_differs_from_what_is_kept() {
    let cdn = CdnHeaders::new(Duration::from_secs(600))
        .with_stale_while_revalidate(Duration::from_secs(30));
    let config = HttpCacheConfig::new()
        .with_cdn(cdn)
        .with_stripped_tags(true);
    let site = Site::new(config, |request| {
        let mut fields = vec![("tooloo-cache-control", "max-age=60"), ("cache-tag", "a")];
        match request.uri().path() {
            "/own" => fields.push(("cdn-cache-control", "max-age=7")),
            "/none" => fields[0].1 = "no-store",
            _ => {}
        }
        answer(&fields, "x")
    });
    for age in [0, 10] {
        wait(age).await;
        let seen = site.get("/x").await;
        let told = format!("max-age={}, stale-while-revalidate=30", 600 + age);
        assert_eq!(seen.field("cdn-cache-control"), Some(told.as_str()));
        assert_eq!(seen.field("tooloo-cache-control"), None);
        assert_eq!(seen.field("cache-tag"), None);
        let own = site.get("/own").await;
        assert_eq!(own.field("cdn-cache-control"), Some("max-age=7"));
        let none = site.get("/none").await;
        assert_eq!(none.field("cdn-cache-control"), None);
        assert_eq!(none.field("tooloo-cache-control"), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_makes_queries_one() {
    let rule = QueryRule::new().sorted().without(["utm_source"]);
    let site = Site::new(HttpCacheConfig::new().with_query(rule), |_| cached("x"));
    site.get("/x?a=1&b=2").await;
    assert!(site.get("/x?b=2&utm_source=y&a=1").await.is_hit());
    assert!(!site.get("/x?b=1&a=1").await.is_hit());
    assert!(!site.get("/x").await.is_hit());
    assert!(site.get("/x?utm_source=z").await.is_hit());
}

#[tokio::test(start_paused = true)]
async fn clients_cannot_make_it_ask_where_they_are_not_obeyed() {
    let config = HttpCacheConfig::new().with_obeyed_requests(false);
    let site = Site::new(config, |_| cached("x"));
    site.get("/x").await;
    for asked in ["no-cache", "max-age=0", "no-store", "only-if-cached"] {
        let seen = site.send("GET", "/x", &[("cache-control", asked)]).await;
        assert!(seen.is_hit(), "{asked}");
    }
    assert_eq!(site.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn defaults_serve_what_says_nothing_of_itself() {
    let config = HttpCacheConfig::new()
        .with_default_fresh_for(Duration::from_secs(10))
        .with_stale_while_revalidate(Duration::from_secs(10));
    let site = Site::new(config, |request| match request.uri().path() {
        "/silent" => answer(&[], "x"),
        _ => answer(&[("cache-control", "max-age=5, must-revalidate")], "x"),
    });
    for path in ["/silent", "/strict"] {
        site.get(path).await;
        assert!(site.get(path).await.is_hit());
    }
    wait(15).await;
    assert!(site.get("/silent").await.is_hit(), "stale, and refreshed");
    assert!(
        !site.get("/strict").await.is_hit(),
        "what forbids it is obeyed"
    );
}

#[tokio::test(start_paused = true)]
async fn hits_and_misses_are_counted() {
    use tooloo_hub::Observe;

    let site = Site::new(HttpCacheConfig::new(), |_| cached("x"));
    site.get("/x").await;
    for _ in 0..3 {
        site.get("/x").await;
    }
    let snapshot = serde_json::to_value(site.http.handle().snapshot()).unwrap();
    assert_eq!(snapshot["hits"], 3, "{snapshot}");
    assert_eq!(snapshot["misses"], 1, "{snapshot}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_problem_and_says_why() {
    let site = Site::new(HttpCacheConfig::new(), |_| cached("x"));
    let seen = site
        .send("GET", "/x", &[("cache-control", "only-if-cached")])
        .await;
    assert_eq!(seen.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(seen.field("content-type"), Some("application/problem+json"));
    let problem: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(problem["status"], 504);
    assert_eq!(seen.status_line(), "tooloo; detail=only-if-cached");
    assert_eq!(site.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn each_answer_that_is_not_stored_says_why() {
    for (fields, detail) in [
        (vec![("cache-control", "no-store")], "no-store"),
        (vec![("cache-control", "private")], "private"),
        (
            vec![("cache-control", "max-age=9"), ("set-cookie", "a=1")],
            "set-cookie",
        ),
        (vec![("cache-control", "max-age=9"), ("vary", "*")], "vary"),
        (vec![("cache-control", "a b")], "malformed"),
        (vec![], "no-lifetime"),
    ] {
        let site = Site::new(HttpCacheConfig::new(), move |_| answer(&fields, "x"));
        let seen = site.get("/x").await;
        let told = format!("tooloo; fwd=uri-miss; fwd-status=200; detail={detail}");
        assert_eq!(seen.status_line(), told);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_plain_request_stored_is_no_answer_to_one_with_such_a_field() {
    let site = Site::new(HttpCacheConfig::new(), |request| {
        match request.headers().get("x-forwarded-proto") {
            Some(_) => cached("page"),
            None => cached("go to https"),
        }
    });
    let secure = [("x-forwarded-proto", "https")];
    assert_eq!(site.get("/x").await.body, "go to https");
    for _ in 0..2 {
        assert_eq!(site.send("GET", "/x", &secure).await.body, "page");
        assert_eq!(site.get("/x").await.body, "go to https");
    }
    assert!(site.send("GET", "/x", &secure).await.is_hit());
    assert!(site.get("/x").await.is_hit());
}

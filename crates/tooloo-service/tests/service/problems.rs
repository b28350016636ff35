//! Whatever goes wrong is told as a problem that names it.

use std::time::Duration;

use axum::body::Body;
use futures_util::{FutureExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tooloo_service::Kit;
use utoipa_axum::router::OpenApiRouter;

use crate::running::{Reply, SERVICE, get, post, start, start_with, within};

#[tokio::test]
async fn a_body_that_is_no_json_is_named() {
    let server = start(|_| {}).await;
    let reply = server
        .send(post("/round", "application/json", "{nope"))
        .await;
    let problem = reply.problem(400, "invalid_json", "/round");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("line 1 column 2"),
        "{problem}"
    );
    let reply = server.send(post("/round", "application/json", "")).await;
    reply.problem(400, "invalid_json", "/round");
    let reply = server
        .send(post(
            "/round",
            "application/json",
            r#"{"topic":{"name":"x"},"correct":true} tail"#,
        ))
        .await;
    reply.problem(400, "invalid_json", "/round");
}

#[tokio::test]
async fn a_missing_field_and_a_wrong_type_are_named_by_their_path() {
    let server = start(|_| {}).await;
    let missing = server
        .send(post("/round", "application/json", r#"{"topic":{}}"#))
        .await;
    missing.problem(422, "invalid_field", "/round");
    assert!(missing.detail().contains("topic") && missing.detail().contains("name"));
    let wrong = server
        .send(post(
            "/round",
            "application/json",
            r#"{"topic":{"name":5},"correct":true}"#,
        ))
        .await;
    wrong.problem(422, "invalid_field", "/round");
    assert!(
        wrong.detail().contains("`topic.name`"),
        "{}",
        wrong.detail()
    );
}

#[tokio::test]
async fn a_body_of_another_type_is_refused() {
    let server = start(|_| {}).await;
    for content_type in ["text/plain", "", "application/jsonish"] {
        let reply = server.send(post("/round", content_type, "{}")).await;
        reply.problem(415, "unsupported_media_type", "/round");
    }
    let body = r#"{"topic":{"name":"x"},"correct":true}"#;
    let reply = server
        .send(post("/round", "Application/JSON; charset=utf-8", body))
        .await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn unknown_routes_and_methods_are_told() {
    let server = start(|_| {}).await;
    server
        .get("/nowhere")
        .await
        .problem(404, "unknown_route", "/nowhere");
    let reply = server.send(post("/history", "text/plain", "")).await;
    reply.problem(405, "method_not_allowed", "/history");
    assert_eq!(reply.header("allow"), Some("GET, HEAD, OPTIONS"));
    assert!(reply.detail().contains("GET, HEAD, OPTIONS"));
}

#[tokio::test]
async fn options_tells_the_methods_and_head_has_no_body() {
    let server = start(|_| {}).await;
    let ask = |method: &str| get("/history").replacen("GET", method, 1);
    let options = server.send(ask("OPTIONS")).await;
    assert_eq!(
        (options.status, options.header("allow")),
        (204, Some("GET, HEAD, OPTIONS"))
    );

    let mut stream = server.connect().await;
    stream.write_all(ask("HEAD").as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut answer);
    within(read).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_bad_query_and_a_bad_parameter_are_named() {
    let server = start(|_| {}).await;
    let query = server.get("/history?since=soon").await;
    query.problem(400, "invalid_query", "/history");
    assert!(query.detail().contains("since"), "{}", query.detail());
    let parameter = server.get("/topics/many").await;
    parameter.problem(400, "invalid_path", "/topics/many");
    server
        .get("/topics/0")
        .await
        .problem(404, "unknown_topic", "/topics/0");
}

#[tokio::test]
async fn a_body_past_the_bound_is_refused_and_the_bound_named() {
    let server = start(|config| config.body_limit = 1000).await;
    let announced = server
        .send(post("/round", "application/json", &"x".repeat(2_000_000)))
        .await;
    announced.problem(413, "body_too_large", "/round");
    assert!(announced.detail().contains("1000 bytes"));
    let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400)).repeat(2000);
    for path in ["/round", "/bytes"] {
        let chunked = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
             content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
        );
        let reply = server.send(chunked).await;
        reply.problem(413, "body_too_large", path);
        assert!(reply.detail().contains("1000 bytes"));
    }
}

#[tokio::test]
async fn a_body_up_to_the_bound_is_taken() {
    let server = start(|config| config.body_limit = 3_000_000).await;
    // More than axum's own bound.
    let reply = server
        .send(post("/bytes", "text/plain", &"x".repeat(3_000_000)))
        .await;
    assert_eq!(
        (reply.status, reply.body.as_slice()),
        (200, &b"3000000"[..])
    );
}

#[tokio::test]
async fn too_large_a_head_is_refused_in_each_direction() {
    let server = start(|_| {}).await;
    let with = |fields: &str| {
        format!("GET /history HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{fields}\r\n")
    };
    let large = server
        .send(with(&format!("x-large: {}\r\n", "x".repeat(40_000))))
        .await;
    large.problem(431, "header_too_large", "/history");
    assert!(large.detail().contains("32768 bytes"));
    let many = "x-same: y\r\n".repeat(150);
    let many = server.send(with(&many)).await;
    many.problem(431, "header_too_large", "/history");
    assert!(many.detail().contains("100"));
    let path = format!("/{}", "x".repeat(9000));
    let long = server.get(&path).await;
    long.problem(414, "uri_too_long", &path);
    assert!(long.detail().contains("8192 bytes"));
}

#[tokio::test]
async fn what_is_no_http_at_all_is_told_so_too() {
    let server = start(|_| {}).await;
    let head = "GET / HTTP/1.1\r\nhost: test\r\n";
    for (request, status, code) in [
        ("nonsense\r\n\r\n".to_owned(), 400, "malformed_request"),
        (format!("{head}no colon\r\n\r\n"), 400, "malformed_request"),
        (
            format!("{head}x: {}\r\n\r\n", "x".repeat(2_000_000)),
            431,
            "header_too_large",
        ),
        (
            format!("{head}{}\r\n", "x: y\r\n".repeat(5000)),
            431,
            "header_too_large",
        ),
        (
            format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)),
            414,
            "uri_too_long",
        ),
    ] {
        let reply = server.send(request).await;
        let problem = reply.json();
        assert_eq!(
            (reply.status, &problem["code"]),
            (status, &code.into()),
            "{problem}"
        );
        assert_eq!(
            reply.header("content-type"),
            Some("application/problem+json")
        );
        assert_eq!(reply.header("connection"), Some("close"));
        assert!(reply.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn a_panic_is_answered_without_its_message() {
    let server = start(|_| {}).await;
    let reply = server.get("/panic").await;
    reply.problem(500, "internal_error", "/panic");
    assert!(!String::from_utf8_lossy(&reply.body).contains("recipe"));
    assert_eq!(server.get("/history").await.status, 200);
}

#[tokio::test]
async fn a_handler_that_takes_too_long_is_given_up() {
    let server = start(|config| config.request_timeout = Duration::from_millis(50)).await;
    server
        .get("/never")
        .await
        .problem(503, "handler_timeout", "/never");
}

#[tokio::test]
async fn a_body_that_stops_coming_is_given_up() {
    let server = start(|config| config.body_timeout = Duration::from_millis(50)).await;
    let mut stream = server.connect().await;
    let request = post(
        "/round",
        "application/json",
        r#"{"topic":{"name":"x"},"correct":true}"#,
    );
    stream
        .write_all(&request.as_bytes()[..request.len() - 5])
        .await
        .unwrap();
    let reply = within(Reply::read(&mut stream)).await.unwrap();
    reply.problem(408, "body_too_slow", "/round");
}

#[tokio::test]
async fn a_client_is_blamed_for_a_late_answer_only_while_its_body_is_awaited() {
    async fn reads(body: Body) {
        let mut frames = body.into_data_stream();
        // The first only: the end is not asked for.
        frames.next().await.unwrap().unwrap();
        std::future::pending::<()>().await;
    }
    async fn ignores(_body: Body) {
        std::future::pending::<()>().await;
    }
    async fn turns_away(body: Body) {
        let mut frames = body.into_data_stream();
        frames.next().await.unwrap().unwrap();
        assert!(frames.next().now_or_never().is_none(), "all has come");
        drop(frames);
        std::future::pending::<()>().await;
    }
    async fn waits(body: Body) {
        let mut frames = body.into_data_stream();
        while frames.next().await.is_some() {}
    }
    let server = start_with(
        |config| config.request_timeout = Duration::from_millis(100),
        |settings| {
            let routes = OpenApiRouter::new()
                .route("/reads", axum::routing::post(reads))
                .route("/ignores", axum::routing::post(ignores))
                .route("/turns-away", axum::routing::post(turns_away))
                .route("/waits", axum::routing::post(waits));
            Kit::new(&SERVICE, &settings.kit).unwrap().finish(routes)
        },
    )
    .await;
    for (path, sent, status, code) in [
        ("/reads", 4, 503, "handler_timeout"),
        ("/reads", 2, 503, "handler_timeout"),
        ("/ignores", 4, 503, "handler_timeout"),
        ("/ignores", 2, 503, "handler_timeout"),
        ("/turns-away", 2, 503, "handler_timeout"),
        ("/waits", 2, 408, "body_too_slow"),
    ] {
        let mut stream = server.connect().await;
        let request = post(path, "text/plain", "body");
        let request = &request.as_bytes()[..request.len() - 4 + sent];
        stream.write_all(request).await.unwrap();
        let reply = within(Reply::read(&mut stream)).await.unwrap();
        reply.problem(status, code, path);
    }
}

#[tokio::test]
async fn a_refusal_made_by_a_layer_passes_unchanged() {
    let server = start(|_| {}).await;
    let reply = server.get("/refused").await;
    assert_eq!(reply.status, 429);
    assert_eq!(reply.body, br#"{"title":"x","retryAfter":7}"#);
    assert_eq!(reply.header("retry-after"), Some("7"));
    assert!(reply.header("traceresponse").is_some());
}

#[tokio::test]
async fn a_request_id_is_carried_or_made() {
    let server = start(|_| {}).await;
    let with =
        |id: &str| get("/history").replacen("host", &format!("x-request-id: {id}\r\nhost"), 1);
    let carried = server.send(with("abc-123")).await;
    assert_eq!(carried.header("x-request-id"), Some("abc-123"));
    for unacceptable in ["", "with space", "ümlaut", &"x".repeat(129)] {
        let made = server.send(with(unacceptable)).await;
        let id = made.header("x-request-id").unwrap();
        assert!(
            id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{id}"
        );
    }
}

#[tokio::test]
async fn only_pages_of_configured_origins_may_call() {
    let server = start(|config| {
        config.cors_origins = vec!["https://app.example.com".parse().unwrap()];
    })
    .await;
    let from = |origin: &str, request: String| {
        request.replacen("host", &format!("origin: {origin}\r\nhost"), 1)
    };
    let ours = server
        .send(from("https://app.example.com", get("/nowhere")))
        .await;
    assert_eq!(ours.status, 404);
    assert_eq!(
        ours.header("access-control-allow-origin"),
        Some("https://app.example.com")
    );
    let others = server
        .send(from("https://evil.example.com", get("/history")))
        .await;
    assert_eq!(others.header("access-control-allow-origin"), None);
    let preflight = get("/round").replacen("GET", "OPTIONS", 1).replacen(
        "host",
        "access-control-request-method: POST\r\nhost",
        1,
    );
    let preflight = server
        .send(from("https://app.example.com", preflight))
        .await;
    assert_eq!(preflight.status, 200);
    assert!(
        preflight
            .header("access-control-allow-methods")
            .unwrap()
            .contains("POST")
    );
}

#[tokio::test]
async fn long_answers_are_compressed_where_asked_and_problems_stay_whole() {
    let server = start(|_| {}).await;
    let gzip = |path: &str| get(path).replacen("host", "accept-encoding: gzip\r\nhost", 1);
    let long = server.send(gzip("/long")).await;
    assert_eq!(long.header("content-encoding"), Some("gzip"));
    assert!(long.body.len() < 1000);
    assert_eq!(server.get("/long").await.body.len(), 8000);
    for path in ["/nowhere", "/history"] {
        let short = server.send(gzip(path)).await;
        assert_eq!(short.header("content-encoding"), None);
        short.json();
    }
}

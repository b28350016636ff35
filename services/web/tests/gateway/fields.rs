//! What becomes of header fields and special methods on their way through.

use axum::{
    Json, Router,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{AppendHeaders, IntoResponse},
    routing::{any, get, post},
};
use serde_json::{Value, json};
use tooloo_testkit::Client;

use crate::stand::Stand;

/// Answers with the fields as they arrived.
async fn echo(headers: HeaderMap) -> Json<Value> {
    let lines = |name: &str| -> Vec<String> {
        let lines = headers.get_all(name).iter();
        lines
            .map(|line| line.to_str().unwrap().to_owned())
            .collect()
    };
    Json(
        headers
            .keys()
            .map(|name| (name.to_string(), json!(lines(name.as_str()))))
            .collect(),
    )
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn fields_of_one_connection_stay_on_it() {
    let stand = Stand::before(Router::new().route("/api/v1/training/echo", any(echo))).await;
    let answer = stand
        .exchange(
            "GET /api/v1/training/echo HTTP/1.1\r\nHost: fleet.example:8080\r\n\
             Connection: close, X-Private\r\nX-Private: 1\r\nX-Public: 2\r\nKeep-Alive: timeout=5\r\n\
             TE: trailers\r\nUpgrade: websocket\r\nProxy-Authorization: Basic eA==\r\n\
             Proxy-Connection: keep-alive\r\nVia: 1.0 edge\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n",
        )
        .await;
    let seen = body(&answer);
    for name in [
        "connection",
        "x-private",
        "keep-alive",
        "te",
        "upgrade",
        "proxy-authorization",
        "proxy-connection",
        "transfer-encoding",
    ] {
        assert_eq!(seen[name], Value::Null, "{name} went through: {seen}");
    }
    assert_eq!(seen["x-public"], json!(["2"]));
    assert_eq!(seen["via"], json!(["1.0 edge, 1.1 tooloo-web"]));
    assert_eq!(seen["x-forwarded-for"], json!(["192.0.2.7, 127.0.0.1"]));
    assert_eq!(
        seen["forwarded"],
        json!(["for=127.0.0.1;host=\"fleet.example:8080\";proto=http"])
    );
    assert_eq!(seen["x-forwarded-host"], json!(["fleet.example:8080"]));
    assert_ne!(seen["host"], json!(["fleet.example:8080"]));
    assert_eq!(seen["host"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_has_one_of_each_field_that_both_servers_write() {
    async fn answer() -> impl IntoResponse {
        let fields = AppendHeaders([
            ("x-request-id", "the-upstreams"),
            (
                "traceresponse",
                "00-00000000000000000000000000000001-0000000000000001-00",
            ),
            ("access-control-allow-origin", "*"),
            ("connection", "x-internal"),
            ("x-internal", "1"),
            ("proxy-authenticate", "Basic"),
            ("x-result", "2"),
        ]);
        (fields, "done")
    }
    let stand = Stand::before(Router::new().route("/api/v1/budget", get(answer))).await;
    let reply = Client::new().get(stand.url("/api/v1/budget")).await;
    let lines = |name| reply.headers.get_all(name).iter().collect::<Vec<_>>();
    assert_eq!(lines("x-request-id").len(), 1);
    assert_ne!(lines("x-request-id"), ["the-upstreams"]);
    assert_eq!(lines("traceresponse").len(), 1);
    assert_eq!(lines("x-result"), ["2"]);
    assert_eq!(lines("via"), ["1.1 tooloo-web"]);
    for name in [
        "x-internal",
        "proxy-authenticate",
        "access-control-allow-origin",
    ] {
        assert_eq!(lines(name), [] as [&HeaderValue; 0], "{name}");
    }
}

#[tokio::test]
async fn the_request_id_and_the_trace_reach_the_upstream() {
    let stand = Stand::before(Router::new().route("/api/v1/training/echo", any(echo))).await;
    let mut request = tooloo_testkit::client::request(
        http::Method::GET,
        stand.url("/api/v1/training/echo"),
        None,
    );
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let fields = [
        ("x-request-id", "from-the-client"),
        ("traceparent", parent.as_str()),
    ];
    for (name, value) in fields {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let reply = Client::new().send(request).await;
    let seen = reply.json();
    assert_eq!(seen["x-request-id"], json!(["from-the-client"]));
    assert_eq!(reply.header("x-request-id"), Some("from-the-client"));
    let passed_on = seen["traceparent"][0].as_str().unwrap();
    assert!(
        passed_on.starts_with(&format!("00-{trace}-")),
        "{passed_on}"
    );
    assert_ne!(passed_on, parent, "the gateway is a hop of the trace");
    assert_eq!(reply.trace_id(), Some(trace));
}

#[tokio::test]
async fn head_tells_the_length_that_get_would_have() {
    let page = Router::new().route("/api/v1/reports/page", get(|| async { "12345" }));
    let stand = Stand::before(page).await;
    let mut wire = stand.connect().await;
    wire.send("HEAD /api/v1/reports/page HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let head = wire.read_until("\r\n\r\n").await.to_lowercase();
    assert!(head.contains("content-length: 5\r\n"), "{head}");
    // No body follows: the next answer begins right behind.
    wire.send("GET /api/v1/reports/page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .await;
    assert!(wire.read_to_end().await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_client_that_expects_a_go_ahead_gets_it() {
    let echo = Router::new().route(
        "/api/v1/training/round",
        post(|body: String| async { body }),
    );
    let stand = Stand::before(echo).await;
    let mut wire = stand.connect().await;
    wire.send(
        "POST /api/v1/training/round HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
         Expect: 100-continue\r\nContent-Length: 4\r\n\r\n",
    )
    .await;
    let interim = wire.read_until("\r\n\r\n").await;
    assert!(
        interim.starts_with("HTTP/1.1 100 Continue\r\n"),
        "{interim}"
    );
    wire.send("body").await;
    let answer = wire.read_to_end().await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("body"),
        "{answer}"
    );
}

#[tokio::test]
async fn errors_of_an_upstream_pass_unchanged() {
    let problem = r#"{"type":"about:blank","status":422,"detail":"`focus`","instance":"/as/the/upstream/said"}"#;
    let upstream = Router::new()
        .route(
            "/api/v1/auto-coach/settings",
            post(move || async move {
                let kind = [(header::CONTENT_TYPE, "application/problem+json")];
                (StatusCode::UNPROCESSABLE_ENTITY, kind, problem)
            }),
        )
        .route(
            "/api/v1/training/plain",
            get(|| async { (StatusCode::GONE, "no more") }),
        );
    let stand = Stand::before(upstream).await;
    let client = Client::new();
    let reply = client
        .post(stand.url("/api/v1/auto-coach/settings"), &json!({}))
        .await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(reply.text(), problem);
    let reply = client.get(stand.url("/api/v1/training/plain")).await;
    assert_eq!(
        (reply.status, reply.text().as_str()),
        (StatusCode::GONE, "no more")
    );
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
}

#[tokio::test]
async fn options_is_answered_here_once_it_may_go_no_further() {
    let stand = Stand::before(Router::new()).await;
    let answer = stand
        .exchange(
            "OPTIONS /api/v1/training/round HTTP/1.1\r\nHost: a\r\nConnection: close\r\nMax-Forwards: 0\r\n\r\n",
        )
        .await;
    assert!(
        answer.starts_with("HTTP/1.1 204 No Content\r\n"),
        "{answer}"
    );
    assert!(
        answer.to_lowercase().contains("allow: get, head, post"),
        "{answer}"
    );
}

#[tokio::test]
async fn one_route_is_counted_for_each_pattern() {
    let upstream = Router::new().fallback(|| async { "ok" });
    let stand = Stand::before(upstream).await;
    let client = Client::new();
    for path in [
        "/api/v1/training/a",
        "/api/v1/training/b/c",
        "/api/v1/budget",
    ] {
        assert_eq!(client.get(stand.url(path)).await.status, StatusCode::OK);
    }
    let observed = client
        .get(stand.url("/api/v1/system/observability"))
        .await
        .json();
    let count = |route: &str| {
        let routes = observed["tracer"]["routes"].as_array().unwrap();
        routes
            .iter()
            .find(|entry| entry["route"] == route)
            .map(|entry| entry["count"].clone())
    };
    assert_eq!(
        count("/api/v1/training/{*path}"),
        Some(json!(2)),
        "{observed}"
    );
    assert_eq!(count("/api/v1/budget"), Some(json!(1)));
    assert_eq!(count("/api/v1/training/a"), None);
}

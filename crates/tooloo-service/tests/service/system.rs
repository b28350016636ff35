//! The routes every service has.

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tooloo_service::{Kit, OtlpProtocol, Secret};

use crate::running::{Reply, SERVICE, complete, get, post, start, start_with, within};

#[tokio::test]
async fn health_tells_exactly_what_clients_counted() {
    let server = start(|_| {}).await;
    for path in [
        "/history", "/history", "/nowhere", "/panic", "/health", "/livez",
    ] {
        server.get(path).await;
    }
    let health = server.get("/health").await.json();
    let members: Vec<_> = health.as_object().unwrap().keys().collect();
    assert_eq!(
        members,
        [
            "checks", "metrics", "ok", "ready", "service", "time", "traceId", "uptime", "version"
        ]
    );
    assert_eq!(health["ok"], true);
    assert_eq!(health["ready"], true);
    assert_eq!(
        (&health["service"], &health["version"]),
        (&"training".into(), &"1.2.3".into())
    );
    assert_eq!(health["checks"]["always"]["status"], "pass");
    let metrics = &health["metrics"];
    assert_eq!(
        (metrics["requests"].as_u64(), metrics["errors"].as_u64()),
        (Some(4), Some(1))
    );
    assert_eq!(metrics["successfulRequests"], 2);
    assert_eq!(
        metrics["errorsByCode"],
        serde_json::json!({"404": 1, "500": 1})
    );
    let time: jiff::Timestamp = health["time"].as_str().unwrap().parse().unwrap();
    assert!(time > jiff::Timestamp::UNIX_EPOCH);
}

#[tokio::test]
async fn health_averages_the_latency_of_requests_alone() {
    let server = start(|_| {}).await;
    assert!(server.get("/health").await.json()["metrics"]["avgLatency"].is_null());
    let own = server.app.tracer().start_trace("housekeeping");
    server.get("/slow").await;
    server.get("/history").await;
    drop(own);
    let figures = server.app.tracer().handle().figures();
    let of = |path: &str| {
        let mut routes = figures.routes.iter();
        let route = routes.find(|route| &*route.route == path).unwrap();
        route.avg_latency.unwrap()
    };
    assert!(of("housekeeping") > of("/slow"));
    let expected = f64::midpoint(of("/slow"), of("/history"));
    let told = server.get("/health").await.json()["metrics"]["avgLatency"].clone();
    let told = told.as_f64().unwrap();
    assert!(
        (told - expected).abs() < 1e-6,
        "{told} instead of {expected}"
    );
}

#[tokio::test]
async fn a_failing_or_hanging_check_fails_readiness_by_name() {
    let server = start_with(
        |config| config.check_timeout = std::time::Duration::from_millis(50),
        |settings| {
            let mut kit = Kit::new(&SERVICE, &settings.kit).unwrap();
            kit.check("database", || async { Err::<(), _>("gone fishing") });
            kit.check("hanging", std::future::pending::<Result<(), String>>);
            kit.check("fine", || async { Ok::<_, String>(()) });
            complete(kit)
        },
    )
    .await;
    let ready = server.get("/readyz").await;
    let answer = ready.json();
    assert_eq!((ready.status, &answer["ready"]), (503, &Value::Bool(false)));
    assert_eq!(answer["failing"]["database"]["error"], "gone fishing");
    assert!(
        answer["failing"]["hanging"]["error"]
            .as_str()
            .unwrap()
            .contains("50ms")
    );
    assert_eq!(answer["failing"].get("fine"), None);
    assert_eq!(server.get("/livez").await.status, 200);
    assert_eq!(server.get("/health").await.json()["ok"], false);
}

#[tokio::test]
async fn observability_counts_domain_requests_and_not_its_own() {
    let server = start(|_| {}).await;
    server.get("/history").await;
    server.get("/topics/7").await;
    server.get("/topics/8").await;
    server.get("/metrics").await;
    let first = server.get("/api/v1/system/observability").await;
    let answer = server.get("/api/v1/system/observability").await.json();
    assert_eq!(answer["service"], "training");
    assert_eq!(answer["tracer"]["totalTraces"], 3);
    let routes = answer["tracer"]["routes"].as_array().unwrap();
    let topics = routes
        .iter()
        .find(|route| route["route"] == "/topics/{id}")
        .unwrap();
    assert_eq!(
        (&topics["method"], &topics["count"]),
        (&"GET".into(), &2.into())
    );
    assert!(first.header("traceresponse").is_some());
    assert!(first.header("x-request-id").is_some());
}

#[tokio::test]
async fn metrics_are_openmetrics_text_or_protobuf_as_asked() {
    let server = start(|_| {}).await;
    server.get("/history").await;
    let text = server.get("/metrics").await;
    assert!(
        text.header("content-type")
            .unwrap()
            .starts_with("application/openmetrics-text")
    );
    let page = String::from_utf8(text.body).unwrap();
    assert!(
        page.contains("http_server_request_duration_seconds"),
        "{page}"
    );
    assert!(page.ends_with("# EOF\n"));
    let accept = "accept: application/vnd.google.protobuf;\
                  proto=io.prometheus.client.MetricFamily;encoding=delimited\r\nhost";
    let protobuf = server
        .send(get("/metrics").replacen("host", accept, 1))
        .await;
    let content_type = protobuf.header("content-type").unwrap();
    assert!(
        content_type.starts_with("application/vnd.google.protobuf"),
        "{content_type}"
    );
    assert!(
        String::from_utf8(protobuf.body).is_err(),
        "this looks like text"
    );
}

#[tokio::test]
async fn the_openapi_document_names_every_operation() {
    let server = start(|_| {}).await;
    let document = server.get("/openapi.json").await.json();
    assert_eq!(document["info"]["title"], "TooLoo training");
    let paths = document["paths"].as_object().unwrap();
    for path in [
        "/round",
        "/topics/{id}",
        "/livez",
        "/metrics",
        "/api/v1/system/observability",
    ] {
        assert!(paths.contains_key(path), "{path} is missing");
    }
    let round = &document["paths"]["/round"]["post"];
    assert_eq!(
        (&round["operationId"], &round["summary"]),
        (&"round".into(), &"Echoes a round.".into())
    );
    let problem = &round["responses"]["default"]["content"]["application/problem+json"]["schema"];
    assert_eq!(problem["$ref"], "#/components/schemas/Problem");
    assert!(document["components"]["schemas"]["Problem"]["properties"]["traceId"].is_object());
}

#[tokio::test]
async fn a_trace_is_found_by_its_id() {
    let server = start(|config| config.sampling_rate = 1.0).await;
    let reply = server.get("/history").await;
    let response = reply.header("traceresponse").unwrap();
    let id = response.split('-').nth(1).unwrap();
    let trace = server
        .get(&format!("/api/v1/system/traces/{id}"))
        .await
        .json();
    assert_eq!(trace["traceId"], id);
    assert_eq!(trace["spans"][0]["name"], "GET /history");
    assert_eq!(trace["spans"].as_array().map(Vec::len), Some(1));

    let unknown = format!("/api/v1/system/traces/{}", "1".repeat(32));
    server
        .get(&unknown)
        .await
        .problem(404, "unknown_trace", &unknown);
    for malformed in ["1", &"0".repeat(32), &"x".repeat(32)] {
        let malformed = format!("/api/v1/system/traces/{malformed}");
        let reply = server.get(&malformed).await;
        reply.problem(400, "invalid_trace_id", &malformed);
    }
}

#[tokio::test]
async fn only_an_administrator_changes_the_sampling_rate() {
    let closed = start(|_| {}).await;
    let path = "/api/v1/system/sampling";
    let change = |rate: &str, token: &str| {
        let body = format!(r#"{{"samplingRate":{rate}}}"#);
        let request = post(path, "application/json", &body);
        request.replacen("host", &format!("authorization: {token}\r\nhost"), 1)
    };
    let reply = closed.send(change("0.5", "Bearer hunter2")).await;
    reply.problem(403, "admin_closed", path);

    let server = start(|config| config.admin_token = Some(Secret::new("hunter2"))).await;
    for stranger in ["Bearer hunter", "Basic hunter2", "hunter2", "Bearer"] {
        let reply = server.send(change("0.5", stranger)).await;
        reply.problem(401, "not_admin", path);
        assert!(
            reply
                .header("www-authenticate")
                .unwrap()
                .starts_with("Bearer")
        );
    }
    let rate = || {
        server
            .app
            .tracer()
            .handle()
            .figures()
            .sampling_rate
            .to_string()
    };
    assert_eq!(rate(), "1");
    let reply = server.send(change("1.5", "Bearer hunter2")).await;
    reply.problem(422, "invalid_field", path);
    assert_eq!(rate(), "1");
    let reply = server.send(change("0.5", "bearer hunter2")).await;
    assert_eq!((reply.status, rate().as_str()), (200, "0.5"));
}

#[tokio::test]
async fn spans_leave_for_the_configured_collector_before_the_end() {
    let collector = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", collector.local_addr().unwrap());
    let server = start(|config| {
        config.otlp.endpoint = Some(endpoint);
        config.otlp.protocol = Some(OtlpProtocol::HttpProtobuf);
        config
            .otlp
            .headers
            .insert("api-key".to_owned(), Secret::new("hunter2"));
    })
    .await;
    let collected = tokio::spawn(async move {
        let (mut stream, _) = collector.accept().await.unwrap();
        let request = Reply::read(&mut stream).await.unwrap();
        stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
        request
    });
    assert_eq!(server.get("/topics/7").await.status, 200);
    server.shut_down();
    server.drained().await;
    // A request reads like an answer, but for its first line.
    let request = within(collected).await.unwrap();
    assert_eq!(request.header("api-key"), Some("hunter2"));
    let spans = String::from_utf8_lossy(&request.body).into_owned();
    assert!(
        spans.contains("training") && spans.contains("/topics/{id}"),
        "{spans}"
    );
}

//! What a server's caller and its operator see, through an axum router and paused time.

use std::{convert::Infallible, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Path,
    http::{HeaderMap, Request, Response, StatusCode},
    routing::get,
};
use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use tokio::time::{Instant, advance, sleep};
use tooloo_hub::{Hub, Observe};
use tooloo_trace::{
    Kept, ParentTrust, SpanStatus, TraceConfig, TraceLayer, TraceSnapshot, Tracer, current,
};
use tower::ServiceExt;

const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

fn tracer(rate: f64) -> Tracer {
    let config = TraceConfig::new("test").with_slow(Duration::from_millis(500));
    Tracer::new(config.with_sampling_rate(rate).expect("a valid rate"))
}

fn app(tracer: &Tracer) -> Router {
    let wait = async |Path(milliseconds): Path<u64>| {
        sleep(Duration::from_millis(milliseconds)).await;
        "done"
    };
    let stream = async || {
        let frames = futures_util::stream::unfold(0, async |sent| {
            sleep(Duration::from_millis(100)).await;
            (sent < 5).then(|| {
                (
                    Ok::<_, Infallible>(http_body::Frame::data(Bytes::from("tick"))),
                    sent + 1,
                )
            })
        });
        Body::new(StreamBody::new(frames))
    };
    Router::new()
        .route("/wait/{milliseconds}", get(wait))
        .route("/fail", get(async || StatusCode::SERVICE_UNAVAILABLE))
        .route("/teapot", get(async || StatusCode::IM_A_TEAPOT))
        .route("/stream", get(stream))
        .route(
            "/context",
            get(async || {
                current()
                    .map(|context| context.trace_id().to_string())
                    .unwrap_or_default()
            }),
        )
        .layer(TraceLayer::new(tracer.clone()))
}

async fn send(app: &Router, path: &str, headers: &[(&'static str, &str)]) -> Response<Body> {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::empty()).expect("a valid request");
    app.clone()
        .oneshot(request)
        .await
        .expect("axum never fails")
}

async fn finish(response: Response<Body>) -> (HeaderMap, Bytes) {
    let (head, body) = response.into_parts();
    (
        head.headers,
        body.collect().await.expect("a whole body").to_bytes(),
    )
}

fn snapshot(tracer: &Tracer) -> TraceSnapshot {
    tracer.handle().snapshot()
}

#[tokio::test(start_paused = true)]
async fn counts_every_request_by_route_and_status() {
    let tracer = tracer(0.0);
    let app = app(&tracer);
    for path in [
        "/wait/1",
        "/wait/2",
        "/fail",
        "/teapot",
        "/nowhere",
        "/nor/here",
    ] {
        finish(send(&app, path, &[]).await).await;
    }
    let seen = snapshot(&tracer);
    let routes: Vec<_> = seen
        .routes
        .iter()
        .map(|route| (&*route.route, route.count, route.errors))
        .collect();
    assert_eq!(
        routes,
        [
            ("/fail", 1, 1),
            ("/teapot", 1, 0),
            ("/wait/{milliseconds}", 2, 0),
            ("_UNMATCHED", 2, 0)
        ]
    );
    assert_eq!(seen.routes[1].by_status.iter().next(), Some((&418, &1)));
    assert_eq!(
        (seen.total_traces, seen.sampled_traces, seen.active_traces),
        (6, 0, 0)
    );
    assert_eq!(seen.error_rate, Some(1.0 / 6.0));
}

#[tokio::test(start_paused = true)]
async fn a_tracer_without_requests_makes_up_no_figures() {
    let seen = serde_json::to_value(snapshot(&tracer(0.5))).expect("JSON");
    for figure in [
        "avgLatency",
        "p50Latency",
        "p99Latency",
        "errorRate",
        "throughput",
    ] {
        assert!(seen[figure].is_null(), "{figure}");
    }
    assert_eq!(seen["samplingRate"], 0.5);
}

#[tokio::test(start_paused = true)]
async fn quantiles_lie_within_one_percent_of_the_exact_ones() {
    let tracer = tracer(0.0);
    let app = app(&tracer);
    for milliseconds in 1..=200 {
        finish(send(&app, &format!("/wait/{milliseconds}"), &[]).await).await;
    }
    let seen = snapshot(&tracer);
    for (told, exact) in [
        (seen.p50_latency, 100.0),
        (seen.p99_latency, 198.0),
        (seen.avg_latency, 100.5),
    ] {
        let told = told.expect("a figure");
        assert!((told - exact).abs() <= exact * 0.01, "{told} {exact}");
    }
}

#[tokio::test(start_paused = true)]
async fn joins_its_callers_trace_and_answers_with_it() {
    let tracer = tracer(0.0);
    let response = send(&app(&tracer), "/context", &[("traceparent", SAMPLED)]).await;
    let (headers, body) = finish(response).await;
    assert_eq!(body, "0af7651916cd43dd8448eb211c80319c");
    let answered = headers["traceresponse"].to_str().expect("ASCII").to_owned();
    assert!(
        answered.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && answered.ends_with("-01"),
        "{answered}"
    );

    let span = snapshot(&tracer).spans[0].clone();
    assert_eq!(
        span.parent_span_id().map(|id| id.to_string()).as_deref(),
        Some("b7ad6b7169203331")
    );
    assert!(answered.contains(&span.span_id().to_string()));
    assert_eq!((span.name(), span.kept()), ("GET /context", Kept::Sampled));
    assert!(current().is_none(), "a context outlived its request");
}

#[tokio::test(start_paused = true)]
async fn begins_a_new_trace_where_the_callers_is_malformed() {
    let tracer = tracer(1.0);
    let malformed = SAMPLED.to_uppercase();
    let (headers, _) = finish(
        send(
            &app(&tracer),
            "/context",
            &[("traceparent", &malformed), ("tracestate", "a=1")],
        )
        .await,
    )
    .await;
    let answered = headers["traceresponse"].to_str().expect("ASCII");
    assert!(
        !answered.contains("0af7651916cd43dd8448eb211c80319c"),
        "{answered}"
    );
    // Random bits are promised, and the trace is sampled.
    assert!(answered.ends_with("-03"), "{answered}");
    assert_eq!(snapshot(&tracer).spans[0].parent_span_id(), None);
}

#[tokio::test(start_paused = true)]
async fn a_public_edge_does_not_sample_because_it_is_told_to() {
    let config = TraceConfig::new("edge").with_parent_trust(ParentTrust::Decide);
    let tracer = Tracer::new(config.with_sampling_rate(0.0).expect("a valid rate"));
    finish(send(&app(&tracer), "/context", &[("traceparent", SAMPLED)]).await).await;
    assert_eq!(snapshot(&tracer).sampled_traces, 0);
}

#[tokio::test(start_paused = true)]
async fn keeps_errors_and_slow_requests_although_unsampled_and_says_so() {
    let tracer = tracer(1.0);
    let app = app(&tracer);
    for path in ["/fail", "/wait/500", "/wait/499", "/teapot"] {
        finish(send(&app, path, &[("traceparent", UNSAMPLED)]).await).await;
    }
    let seen = snapshot(&tracer);
    let kept: Vec<_> = seen
        .spans
        .iter()
        .map(|span| (span.name(), span.kept(), span.status()))
        .collect();
    assert_eq!(
        kept,
        [
            ("GET /wait/{milliseconds}", Kept::Slow, SpanStatus::Success),
            ("GET /fail", Kept::Error, SpanStatus::Error),
        ]
    );
    assert_eq!(seen.spans[1].attribute("error.type"), Some("503".into()));
    assert_eq!(
        seen.spans[0].attribute("url.path"),
        Some("/wait/500".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_span_lasts_until_its_body_ends() {
    let tracer = tracer(1.0);
    let response = send(&app(&tracer), "/stream", &[]).await;
    assert_eq!(snapshot(&tracer).active_traces, 1);
    finish(response).await;
    let seen = snapshot(&tracer);
    assert_eq!(seen.active_traces, 0);
    assert!(seen.spans[0].duration() >= Duration::from_millis(500));
    assert_eq!(seen.spans[0].status(), SpanStatus::Success);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_ends_the_span_as_cancelled() {
    let tracer = tracer(1.0);
    let app = app(&tracer);
    // Before the answer.
    let waiting =
        tokio::time::timeout(Duration::from_millis(10), send(&app, "/wait/1000", &[])).await;
    assert!(waiting.is_err());
    // In the midst of its body.
    let mut body = send(&app, "/stream", &[]).await.into_body();
    body.frame().await.expect("a frame").expect("a good one");
    drop(body);

    let seen = snapshot(&tracer);
    assert_eq!(seen.active_traces, 0);
    assert_eq!(seen.error_rate, Some(0.0));
    let cancelled: Vec<_> = seen
        .routes
        .iter()
        .map(|route| (&*route.route, route.cancelled, route.by_status.get(&200)))
        .collect();
    assert_eq!(
        cancelled,
        [("/stream", 1, Some(&1)), ("/wait/{milliseconds}", 1, None)]
    );
    assert!(
        seen.spans
            .iter()
            .all(|span| span.status() == SpanStatus::Cancelled)
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_announces_its_length_ends_with_its_last_byte() {
    let tracer = tracer(1.0);
    let mut body = send(&app(&tracer), "/wait/1", &[]).await.into_body();
    body.frame().await.expect("a frame").expect("a good one");
    drop(body);
    assert_eq!(snapshot(&tracer).spans[0].status(), SpanStatus::Success);
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_field_announces_its_length_ends_with_its_last_byte() {
    let tracer = tracer(1.0);
    let file = async || {
        let bytes = futures_util::stream::iter(["12", "345"].map(Ok::<_, Infallible>));
        ([("content-length", "5")], Body::from_stream(bytes))
    };
    let app = Router::new()
        .route("/file", get(file))
        .layer(TraceLayer::new(tracer.clone()));
    let request = Request::get("/file").body(Body::empty()).unwrap();
    let mut body = app.oneshot(request).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    assert_eq!(tracer.handle().figures().active_traces, 1);
    body.frame().await.unwrap().unwrap();
    // A server drops the body now, without asking for its end.
    drop(body);
    let figures = tracer.handle().figures();
    assert_eq!((figures.active_traces, figures.routes[0].cancelled), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stream_does_not_hold_its_span_for_ever() {
    let config = TraceConfig::new("test").with_longest(Duration::from_millis(250));
    let tracer = Tracer::new(config);
    let mut body = send(&app(&tracer), "/stream", &[]).await.into_body();
    for _ in 0..3 {
        body.frame().await.expect("a frame").expect("a good one");
    }
    assert_eq!(snapshot(&tracer).active_traces, 0);
}

#[tokio::test(start_paused = true)]
async fn the_rate_can_change_while_it_runs() {
    let tracer = tracer(0.0);
    let app = app(&tracer);
    finish(send(&app, "/wait/1", &[]).await).await;
    tracer.set_sampling_rate(1.0).expect("a valid rate");
    finish(send(&app, "/wait/1", &[]).await).await;
    assert!(tracer.set_sampling_rate(2.0).is_err());
    let seen = snapshot(&tracer);
    assert_eq!((seen.sampled_traces, seen.sampling_rate), (1, 1.0));
}

#[tokio::test(start_paused = true)]
async fn an_uncounted_layer_passes_context_on_and_leaves_no_figures() {
    let tracer = tracer(1.0);
    let app = Router::new()
        .route(
            "/health",
            get(async || {
                current()
                    .map(|context| context.trace_id().to_string())
                    .unwrap_or_default()
            }),
        )
        .layer(TraceLayer::new(tracer.clone()).uncounted());
    let (headers, body) = finish(send(&app, "/health", &[("traceparent", SAMPLED)]).await).await;
    assert_eq!(body, "0af7651916cd43dd8448eb211c80319c");
    assert!(headers.contains_key("traceresponse"));
    let seen = snapshot(&tracer);
    assert_eq!(
        (seen.total_traces, seen.routes.len(), seen.spans.len()),
        (0, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn throughput_is_of_the_last_minute() {
    let tracer = tracer(0.0);
    let app = app(&tracer);
    for _ in 0..30 {
        finish(send(&app, "/wait/1000", &[]).await).await;
    }
    let rate = snapshot(&tracer).throughput.expect("a figure");
    assert!((rate - 1.0).abs() < 0.05, "{rate}");
    advance(Duration::from_secs(90)).await;
    assert_eq!(snapshot(&tracer).throughput, Some(0.0));
}

#[tokio::test(start_paused = true)]
async fn metrics_have_the_standard_names_and_exemplars() {
    let tracer = tracer(1.0);
    let app = app(&tracer);
    finish(send(&app, "/wait/20", &[("traceparent", SAMPLED)]).await).await;
    finish(send(&app, "/fail", &[]).await).await;
    let hub = Hub::new();
    hub.register("tracer", tracer.handle(), &["tracer"]);
    let page = hub.openmetrics().expect("a page");
    let labels = r#"http_route="/wait/{milliseconds}",http_request_method="GET",http_response_status_code="200""#;
    assert!(
        page.contains(&format!(
            "http_server_request_duration_seconds_count{{{labels}}} 1\n"
        )),
        "{page}"
    );
    let bucket = page
        .lines()
        .find(|line| line.contains(r#"le="0.025""#) && line.contains("/wait/"))
        .expect("a bucket");
    assert!(
        bucket.contains(r#" 1 # {trace_id="0af7651916cd43dd8448eb211c80319c"} "#),
        "{bucket}"
    );
    assert!(page.contains("http_server_active_requests 0\n"));
    assert!(page.ends_with("# EOF\n"));
    assert!(hub.prometheus_protobuf().expect("a page").len() > 100);
}

#[tokio::test(start_paused = true)]
async fn times_follow_the_runtimes_clock() {
    let before = Instant::now();
    advance(Duration::from_secs(5)).await;
    assert_eq!(tooloo_clock::now() - before, Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_an_error_and_no_client_that_left() {
    let tracer = tracer(0.0);
    let panics = async || -> &'static str { panic!("a bug") };
    let app = Router::new()
        .route("/panic", get(panics))
        .layer(TraceLayer::new(tracer.clone()));
    let panicked = tokio::spawn(async move { send(&app, "/panic", &[]).await }).await;
    assert!(panicked.is_err_and(|error| error.is_panic()));
    let seen = snapshot(&tracer);
    assert_eq!((seen.routes[0].errors, seen.routes[0].cancelled), (1, 0));
    let error = seen.spans[0].attribute("error.type");
    assert_eq!(error, Some("panic".into()));
}

#[tokio::test(start_paused = true)]
async fn what_clients_send_along_does_not_fill_the_memory() {
    let tracer = tracer(0.0);
    let app = app(&tracer);
    let baggage = format!("padding={}", "x".repeat(8000));
    let headers = [("traceparent", SAMPLED), ("baggage", baggage.as_str())];
    finish(send(&app, "/wait/1", &headers).await).await;
    finish(send(&app, "/wait/1", &[("traceparent", SAMPLED)]).await).await;
    let spans = snapshot(&tracer).spans;
    // Kept spans are equal but for their ids and times: none holds what its client sent along.
    let shown = |span: usize| format!("{:?}", spans[span]).len();
    assert!(shown(1) < shown(0) + 100, "{} {}", shown(0), shown(1));
}

//! What a collector receives.
#![cfg(feature = "otlp")]

use std::time::Duration;

use axum::{Router, body::Body, http::Request, routing::get};
use http_body_util::BodyExt;
use tooloo_testkit::{Collector, ReceivedSpan};
use tooloo_trace::{OtlpConfig, OtlpProtocol, TraceConfig, TraceLayer, Tracer};
use tower::ServiceExt;
use tracing_subscriber::layer::SubscriberExt;

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const DEADLINE: Duration = Duration::from_secs(10);

#[tracing::instrument]
async fn look_up(name: String) -> String {
    format!("hello {name}")
}

async fn export(protocol: OtlpProtocol) -> Vec<ReceivedSpan> {
    let collector = Collector::start().await;
    let config = TraceConfig::new("greeter")
        .with_version("1.2.3")
        .with_sampling_rate(1.0)
        .expect("a valid rate");
    let otlp = OtlpConfig::new(collector.endpoint()).with_protocol(protocol);
    let tracer = Tracer::with_otlp(config, &otlp).expect("an exporter");
    let handler =
        async |axum::extract::Path(name): axum::extract::Path<String>| look_up(name).await;
    let app = Router::new()
        .route("/hello/{name}", get(handler))
        .layer(TraceLayer::new(tracer.clone()));

    let subscriber = tracing_subscriber::registry().with(tooloo_trace::tracing_layer());
    let _subscribed = tracing::subscriber::set_default(subscriber);
    let request = Request::get("/hello/ada")
        .header("traceparent", PARENT)
        .header("tracestate", "ot=th:0,vendor=x")
        .header("host", "greeter.example:80");
    let response = app
        .oneshot(request.body(Body::empty()).expect("a valid request"))
        .await
        .expect("axum never fails");
    response.into_body().collect().await.expect("a whole body");

    tracer
        .flush(DEADLINE)
        .await
        .expect("a collector that listens");
    let kept = tracer
        .trace("0af7651916cd43dd8448eb211c80319c".parse().expect("an id"))
        .expect("a sampled trace");
    assert_eq!(kept.spans.len(), 2, "the tracer keeps what it exports");
    collector.wait_for(2).await
}

fn check(spans: &[ReceivedSpan]) {
    let server = spans
        .iter()
        .find(|span| span.name == "GET /hello/{name}")
        .expect("the request's span");
    assert_eq!(server.trace_id, "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(server.parent_span_id.as_deref(), Some("b7ad6b7169203331"));
    assert_eq!(server.trace_state, "ot=th:0,vendor=x");
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/hello/{name}"),
        ("url.path", "/hello/ada"),
        ("http.response.status_code", "200"),
        ("server.address", "greeter.example"),
    ] {
        assert_eq!(
            server.attributes.get(key).map(String::as_str),
            Some(value),
            "{key}"
        );
    }
    assert_eq!(server.resource["service.name"], "greeter");
    assert_eq!(server.resource["service.version"], "1.2.3");

    let inner = spans
        .iter()
        .find(|span| span.name == "look_up")
        .expect("the instrumented function's span");
    assert_eq!(inner.trace_id, server.trace_id);
    assert_eq!(inner.parent_span_id.as_ref(), Some(&server.span_id));
    assert_eq!(inner.resource["service.name"], "greeter");
}

#[tokio::test]
async fn spans_arrive_over_grpc_with_parents_resource_and_attributes() {
    check(&export(OtlpProtocol::Grpc).await);
}

#[tokio::test]
async fn spans_arrive_over_http_with_parents_resource_and_attributes() {
    check(&export(OtlpProtocol::HttpProtobuf).await);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_the_program_nothing() {
    let config = TraceConfig::new("lonely")
        .with_sampling_rate(1.0)
        .expect("a valid rate");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a free port")
        .local_addr()
        .expect("an address");
    let tracer = Tracer::with_otlp(config, &OtlpConfig::new(format!("http://{nobody}")))
        .expect("an exporter");
    for _ in 0..10_000 {
        tracer.start_trace("work").end();
    }
    // What is flushed has failed or was dropped: nothing waits for ever.
    tokio::time::timeout(2 * DEADLINE, tracer.flush(2 * DEADLINE))
        .await
        .expect("a bounded wait")
        .expect("a flush");
    let hub = tooloo_hub::Hub::new();
    hub.register("tracer", tracer.handle(), &["tracer"]);
    let page = hub.openmetrics().expect("a page");
    let count = |name: &str| -> u64 {
        let line = page
            .lines()
            .find(|line| line.starts_with(name))
            .expect("a counter");
        line.rsplit(' ')
            .next()
            .expect("a value")
            .parse()
            .expect("a number")
    };
    assert_eq!(
        count("trace_failed_spans_total ") + count("trace_dropped_spans_total "),
        10_000
    );
}

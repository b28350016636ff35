//! What a client's callee sees, and what the client's tracer keeps of its calls.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use tooloo_hub::Observe;
use tooloo_trace::{Baggage, ClientTraceLayer, SpanKind, SpanStatus, TraceConfig, Tracer, current};
use tower::{Layer, ServiceExt, service_fn};

fn tracer(rate: f64) -> Tracer {
    Tracer::new(
        TraceConfig::new("caller")
            .with_sampling_rate(rate)
            .expect("a valid rate"),
    )
}

/// Calls an upstream that answers `status`, and returns the headers that reached it.
async fn call(tracer: &Tracer, status: StatusCode) -> HeaderMap {
    let upstream = service_fn(move |request: Request<()>| async move {
        let mut response = Response::new(Full::<Bytes>::from("answer"));
        *response.status_mut() = status;
        response.headers_mut().extend(request.headers().clone());
        Ok::<_, Infallible>(response)
    });
    let client = ClientTraceLayer::new(tracer.clone())
        .with_peer("upstream")
        .layer(upstream);
    let request = Request::get("http://user:secret@127.0.0.1:9/path?key=secret")
        .body(())
        .expect("a valid request");
    let response = client
        .oneshot(request)
        .await
        .expect("the upstream never fails");
    let (head, body) = response.into_parts();
    body.collect().await.expect("a whole body");
    head.headers
}

#[tokio::test]
async fn a_call_is_a_span_under_the_current_one() {
    let tracer = tracer(1.0);
    let trace = tracer.start_trace("job");
    let sent = trace.in_scope(call(&tracer, StatusCode::OK)).await;
    let root = trace.context().clone();
    trace.end();
    assert!(current().is_none());

    let kept = tracer
        .trace(root.trace_id())
        .expect("a sampled trace")
        .spans;
    let span = kept
        .iter()
        .find(|span| span.kind() == SpanKind::Client)
        .expect("a client span");
    assert_eq!(span.parent_span_id(), Some(root.span_id()));
    assert_eq!((span.name(), span.service()), ("GET upstream", "caller"));
    let expected = format!("00-{}-{}-03", root.trace_id(), span.span_id());
    assert_eq!(sent["traceparent"], expected);
    // A rate of one has a threshold of zero.
    assert_eq!(sent["tracestate"], "ot=th:0");
}

#[tokio::test]
async fn a_call_outside_of_any_trace_begins_one() {
    let tracer = tracer(0.0);
    let sent = call(&tracer, StatusCode::OK).await;
    assert!(
        sent["traceparent"]
            .to_str()
            .expect("ASCII")
            .ends_with("-02")
    );
    assert!(!sent.contains_key("tracestate"));
    assert_eq!(
        tracer.handle().figures().total_traces,
        0,
        "an outgoing call is no request"
    );
}

#[tokio::test]
async fn secrets_of_a_url_are_not_recorded() {
    let tracer = tracer(1.0);
    call(&tracer, StatusCode::OK).await;
    let spans = serde_json::to_string(&tracer.handle().snapshot().spans).expect("JSON");
    assert!(spans.contains("http://127.0.0.1:9/path"), "{spans}");
    assert!(!spans.contains("secret"), "{spans}");
}

#[tokio::test]
async fn a_refused_call_is_the_clients_error() {
    let tracer = tracer(0.0);
    call(&tracer, StatusCode::NOT_FOUND).await;
    let span = tracer.handle().snapshot().spans[0].clone();
    assert_eq!(span.status(), SpanStatus::Error);
    assert_eq!(span.attribute("error.type"), Some("404".into()));
}

#[tokio::test]
async fn baggage_travels_along() {
    let tracer = tracer(0.0);
    let mut baggage = Baggage::new();
    assert!(baggage.insert("tenant", "a b"));
    assert!(!baggage.insert("no token", "x"));
    let context = tracer
        .start_trace("job")
        .context()
        .clone()
        .with_baggage(baggage);
    let sent = context.in_scope(call(&tracer, StatusCode::OK)).await;
    assert_eq!(sent["baggage"], "tenant=a%20b");
}

#[tokio::test]
async fn an_upstream_that_fails_keeps_its_error_and_ends_the_span() {
    let tracer = tracer(0.0);
    let upstream = service_fn(async |_: Request<()>| Err::<Response<Full<Bytes>>, _>("broken"));
    let client = ClientTraceLayer::new(tracer.clone()).layer(upstream);
    let error = client
        .oneshot(
            Request::get("http://there/")
                .body(())
                .expect("a valid request"),
        )
        .await;
    assert_eq!(error.expect_err("a broken upstream"), "broken");
    let span = tracer.handle().snapshot().spans[0].clone();
    assert_eq!(
        (span.name(), span.status()),
        ("GET there", SpanStatus::Error)
    );
}

//! Follows one trace from a client into a server, which run in one process with a tracer each.
//!
//! `cargo run -p examples --example client`

use std::error::Error;

use axum::{Router, body::Body, extract::Request, routing::get};
use http_body_util::BodyExt as _;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::net::TcpListener;
use tooloo_trace::{ClientTraceLayer, RecentTrace, TraceConfig, TraceLayer, Tracer};
use tower::{Layer as _, ServiceExt as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    for trace in call_twice().await? {
        println!("trace {}", trace.trace_id);
        for span in &trace.spans {
            let parent = span.parent_span_id();
            let parent = parent.map_or("nothing".to_owned(), |parent| parent.to_string());
            let (service, id, name) = (span.service(), span.span_id(), span.name());
            println!("  {service:8} {id} under {parent:16}  {name}");
        }
    }
    Ok(())
}

/// Returns the trace of two calls, as the caller's tracer saw it and as the upstream's did.
async fn call_twice() -> Result<[RecentTrace; 2], Box<dyn Error>> {
    // Samples nothing of its own accord: it follows its caller.
    let upstream = Tracer::new(TraceConfig::new("upstream").with_sampling_rate(0.0)?);
    let app = Router::new()
        .route("/hello/{name}", get(async || "hello"))
        .layer(TraceLayer::new(upstream.clone()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async { axum::serve(listener, app).await });

    let caller = Tracer::new(TraceConfig::new("caller").with_sampling_rate(1.0)?);
    // One line puts the layer on any tower HTTP client.
    let client = ClientTraceLayer::new(caller.clone())
        .with_peer("upstream")
        .layer(Client::builder(TokioExecutor::new()).build_http());

    let trace = caller.start_trace("greet everyone");
    for name in ["ada", "grace"] {
        let uri = format!("http://{address}/hello/{name}");
        let call = client
            .clone()
            .oneshot(Request::get(uri).body(Body::empty())?);
        // What begins in the scope is under the span; the context travels in the headers.
        let response = trace.in_scope(call).await?;
        response.into_body().collect().await?;
    }
    let id = trace.context().trace_id();
    trace.end();
    let seen = [caller, upstream].map(|tracer| tracer.trace(id));
    let [Some(caller), Some(upstream)] = seen else {
        return Err("a tracer has lost the trace".into());
    };
    Ok([caller, upstream])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn each_of_the_servers_spans_is_under_one_of_the_clients() {
        let [caller, upstream] = tokio::time::timeout(Duration::from_secs(10), call_twice())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(caller.trace_id, upstream.trace_id);
        let root = caller
            .spans
            .iter()
            .find(|span| span.parent_span_id().is_none())
            .unwrap();
        let calls: Vec<_> = caller
            .spans
            .iter()
            .filter(|span| span.parent_span_id() == Some(root.span_id()))
            .map(|span| Some(span.span_id()))
            .collect();
        let served: Vec<_> = upstream
            .spans
            .iter()
            .map(|span| span.parent_span_id())
            .collect();
        assert_eq!(calls.len(), 2);
        assert_eq!(served, calls);
    }
}

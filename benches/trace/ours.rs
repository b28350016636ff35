//! The trace layer, with figures for every request, at the shares of requests it may sample.

use std::sync::OnceLock;

use axum::Router;
use benches::{Load, REQUESTS};
use tooloo_trace::{TraceConfig, TraceLayer, Tracer};
use tracing_subscriber::layer::SubscriberExt as _;

/// The tracer under measurement; each benchmark has a process of its own.
static TRACER: OnceLock<Tracer> = OnceLock::new();

pub(crate) fn none() -> Router {
    at(0.0)
}

pub(crate) fn tenth() -> Router {
    at(0.1)
}

pub(crate) fn all() -> Router {
    at(1.0)
}

/// Joined to the program's own `tracing` spans too, which takes a subscriber.
pub(crate) fn tenth_with_tracing() -> Router {
    let subscriber = tracing_subscriber::registry().with(tooloo_trace::tracing_layer());
    tracing::subscriber::set_global_default(subscriber).expect("the process has no other");
    at(0.1)
}

fn at(rate: f64) -> Router {
    let config = TraceConfig::new("bench")
        .with_sampling_rate(rate)
        .expect("the rate is a fraction");
    let tracer = Tracer::new(config);
    TRACER
        .set(tracer.clone())
        .expect("the process has one stack");
    benches::router().layer(TraceLayer::new(tracer))
}

/// Fails where the layer did not sample the share it is measured at, or did not count every request.
#[expect(clippy::cast_precision_loss, reason = "the counts are a few thousand")]
pub(crate) fn check_share(_load: Load) {
    let tracer = TRACER.get().expect("the set-up put a tracer here");
    let figures = tracer.handle().figures();
    let requests = 2 * REQUESTS as u64;
    assert_eq!(figures.total_traces, requests);
    let share = figures.sampled_traces as f64 / requests as f64;
    assert!(
        (share - figures.sampling_rate).abs() < 1e-3,
        "sampled {share}"
    );
}

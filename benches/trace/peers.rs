//! The layer's peers, as their own documentation sets them up, at a tenth of the requests and
//! without an exporter.

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
};

use axum::Router;
use axum_tracing_opentelemetry::middleware::OtelAxumLayer;
use opentelemetry::{SpanId, TraceId, global, trace::TracerProvider as _};
use opentelemetry_instrumentation_tower::http::server::LayerBuilder;
use opentelemetry_sdk::{
    metrics::{ManualReader, SdkMeterProvider},
    propagation::TraceContextPropagator,
    trace::{IdGenerator, Sampler, SdkTracerProvider},
};
use tower_http::trace::TraceLayer;
use tower_otel::trace::HttpLayer;
use tracing::Level;
use tracing_subscriber::layer::SubscriberExt as _;

/// With no subscriber: what it costs at the least, when nothing is traced.
pub(crate) fn tower_http() -> Router {
    benches::router().layer(TraceLayer::new_for_http())
}

/// With a subscriber at the level of its spans and events; what is written goes nowhere.
pub(crate) fn tower_http_with_subscriber() -> Router {
    tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_writer(io::sink)
        .init();
    tower_http()
}

pub(crate) fn opentelemetry_instrumentation_tower() -> Router {
    set_up();
    let layer = LayerBuilder::builder().with_metrics(false).build();
    benches::router().layer(layer.expect("the defaults are valid"))
}

pub(crate) fn opentelemetry_instrumentation_tower_with_metrics() -> Router {
    set_up();
    // Read by nobody, as there is no exporter.
    let reader = ManualReader::builder().build();
    global::set_meter_provider(SdkMeterProvider::builder().with_reader(reader).build());
    let layer = LayerBuilder::builder().build();
    benches::router().layer(layer.expect("the defaults are valid"))
}

pub(crate) fn axum_tracing_opentelemetry() -> Router {
    subscribe();
    benches::router().layer(OtelAxumLayer::default())
}

pub(crate) fn tower_otel() -> Router {
    subscribe();
    benches::router().layer(HttpLayer::server(Level::INFO))
}

/// Sets up OpenTelemetry's globals.
fn set_up() -> SdkTracerProvider {
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(
            0.1,
        ))))
        .with_id_generator(EvenIds::default())
        .build();
    global::set_tracer_provider(provider.clone());
    global::set_text_map_propagator(TraceContextPropagator::new());
    provider
}

/// Sets up OpenTelemetry's globals and a subscriber that turns `tracing` spans into its spans.
fn subscribe() {
    let tracer = set_up().tracer("bench");
    let layer = tracing_opentelemetry::layer().with_tracer(tracer);
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::set_global_default(subscriber).expect("the process has no other");
}

/// Ids spread so evenly that a ratio sampler takes the same share of every thousand.
#[derive(Debug, Default)]
struct EvenIds(AtomicU64);

impl IdGenerator for EvenIds {
    fn new_trace_id(&self) -> TraceId {
        // Steps of the golden ratio: a Weyl sequence.
        let step = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        TraceId::from(1 << 127 | u128::from(step))
    }

    fn new_span_id(&self) -> SpanId {
        SpanId::from(1 << 63 | self.0.load(Ordering::Relaxed))
    }
}

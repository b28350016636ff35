//! Traces requests: W3C context in and out, sampling, latency figures, recent traces, OTLP.
//!
//! [`TraceLayer`] goes outermost on a server, so that it also counts what other layers refuse;
//! [`ClientTraceLayer`] goes outermost on a client. Between them a trace crosses services. Whether a
//! trace is sampled is decided before anything is built for it; figures are kept for every request.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tooloo_trace::{TraceConfig, TraceLayer, Tracer};
//!
//! let tracer = Tracer::new(TraceConfig::new("greeter"));
//! let figures = tracer.handle();
//! let app: Router = Router::new()
//!     .route("/hello/{name}", get(|| async { "hello" }))
//!     .layer(TraceLayer::new(tracer));
//! # drop(app);
//! assert_eq!(figures.figures().active_traces, 0);
//! ```
//!
//! Everything works without HTTP too: see [`Tracer`].

mod attribute;
mod body;
mod bridge;
mod call;
mod client;
mod config;
mod context;
mod conventions;
mod encode;
mod error;
mod export;
mod figures;
pub mod future;
mod handle;
mod id;
mod layer;
mod method;
mod otel;
#[cfg(feature = "otlp")]
mod otlp;
mod record;
mod sampler;
mod scope;
mod service;
mod span;
mod store;
mod tracer;
mod w3c;

#[cfg(feature = "otlp")]
pub use self::otlp::{OtlpConfig, OtlpError, OtlpProtocol};
pub use self::{
    attribute::AttributeValue,
    body::TraceBody,
    bridge::tracing_layer,
    client::{ClientResponseFuture, ClientTrace, ClientTraceLayer},
    config::{ParentTrust, TraceConfig},
    context::TraceContext,
    error::{FlushError, InvalidId, InvalidRate},
    handle::{RouteSnapshot, TraceHandle, TraceSnapshot},
    id::{SpanId, TraceId},
    layer::{RouteOf, TraceLayer},
    record::{FinishedSpan, Kept, RecentTrace, SpanKind, SpanStatus},
    scope::{InScope, current},
    service::Trace,
    span::Span,
    tracer::Tracer,
    w3c::baggage::Baggage,
};

//! Joins a sampled call to the program's `tracing` spans and, through tracing-opentelemetry, those
//! spans to the call's trace.

use std::{
    collections::HashMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::StatusCode;
use opentelemetry::{
    Context, KeyValue, SpanId as OtelSpanId, Value,
    trace::{
        Span as _, SpanKind as OtelKind, Status, TraceContextExt, TraceState, TracerProvider as _,
    },
};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SdkTracer, SdkTracerProvider, SpanData, SpanProcessor},
};
use tracing::Subscriber;
use tracing_subscriber::{Layer, filter::filter_fn, registry::LookupSpan};

use crate::{
    AttributeValue, SpanId, TraceContext, TraceId, Tracer,
    call::Begin,
    otel::span_context,
    record::{FinishedSpan, Kept, Name, SpanKind, SpanStatus},
};

/// The target of the `tracing` span that a sampled call opens.
const TARGET: &str = "tooloo_trace::request";
/// Spans that may be open at once; more are not recorded.
const MAX_OPEN: usize = 65_536;

/// Whether there is a layer that spans could join through; before, requests pay nothing for it.
static JOINED: AtomicBool = AtomicBool::new(false);

/// Returns a `tracing` layer that adds the program's own spans to the traces they happen in.
///
/// A `#[tracing::instrument]`ed function that runs while a sampled request is handled becomes a span
/// of that request's trace: the tracer that sampled it keeps and exports it. All tracers of a process
/// share this one layer, as all share one subscriber.
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt as _;
///
/// let subscriber = tracing_subscriber::registry().with(tooloo_trace::tracing_layer());
/// ```
pub fn tracing_layer<S>() -> impl Layer<S> + Send + Sync
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    JOINED.store(true, Ordering::Relaxed);
    // A span has a sampled parent exactly where a tracer sampled the request.
    let provider = SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)))
        .with_span_processor(ToTracers::default())
        .build();
    let tracer: SdkTracer = provider.tracer("tooloo-trace");
    tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_filter(filter_fn(|metadata| metadata.target() != TARGET))
}

/// What joins one sampled call to its `tracing` spans.
#[derive(Debug)]
pub(crate) struct Bridged {
    span: tracing::Span,
    context: Option<Context>,
}

impl Bridged {
    /// Joins a call to its spans, if there is anybody to see them.
    pub(crate) fn new(begin: &Begin<'_>) -> Option<Self> {
        let context = &begin.context;
        let span = tracing::info_span!(
            target: TARGET,
            "request",
            trace_id = %context.trace_id(),
            span_id = %context.span_id(),
            http.request.method = begin.method.as_str(),
            url.path = begin.uri.path(),
            http.response.status_code = tracing::field::Empty,
        );
        let context = otel_context(context);
        (!span.is_none() || context.is_some()).then_some(Self { span, context })
    }

    /// Does `work` in the call's `tracing` span.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _attached = self.context.clone().map(Context::attach);
        let _entered = self.span.enter();
        work()
    }

    pub(crate) fn end(&self, answered: Option<StatusCode>) {
        if let Some(answered) = answered {
            self.span
                .record("http.response.status_code", answered.as_u16());
        }
    }
}

/// Returns the OpenTelemetry context that makes `tracing` spans children of `context`'s span, where
/// a layer is there for them.
pub(crate) fn otel_context(context: &TraceContext) -> Option<Context> {
    JOINED.load(Ordering::Relaxed).then(|| {
        Context::new()
            .with_value(context.span.tracer.clone())
            .with_remote_span_context(span_context(
                context.trace_id(),
                context.span_id(),
                TraceState::NONE,
            ))
    })
}

/// Hands each span to the tracer in whose request it began.
#[derive(Debug, Default)]
struct ToTracers {
    open: Mutex<HashMap<OtelSpanId, Tracer>>,
}

impl SpanProcessor for ToTracers {
    fn on_start(&self, span: &mut opentelemetry_sdk::trace::Span, context: &Context) {
        let Some(tracer) = context.get::<Tracer>() else {
            return;
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() < MAX_OPEN {
            open.insert(span.span_context().span_id(), tracer.clone());
        }
    }

    fn on_end(&self, span: SpanData) {
        let tracer = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&span.span_context.span_id());
        let Some(tracer) = tracer else { return };
        if let Some(finished) = finished(&tracer, &span) {
            tracer.recent().push(finished.into());
        }
        if let Some(export) = tracer.export() {
            export.send(span);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

fn finished(tracer: &Tracer, span: &SpanData) -> Option<FinishedSpan> {
    Some(FinishedSpan {
        trace_id: TraceId::from_bytes(span.span_context.trace_id().to_bytes())?,
        span_id: SpanId::from_bytes(span.span_context.span_id().to_bytes())?,
        parent: SpanId::from_bytes(span.parent_span_id.to_bytes()),
        name: Name::Own(span.name.clone()),
        service: tracer.config().service.clone(),
        kind: match span.span_kind {
            OtelKind::Server => SpanKind::Server,
            OtelKind::Client => SpanKind::Client,
            OtelKind::Internal => SpanKind::Internal,
            OtelKind::Producer => SpanKind::Producer,
            OtelKind::Consumer => SpanKind::Consumer,
        },
        start: span.start_time,
        duration: span
            .end_time
            .duration_since(span.start_time)
            .unwrap_or_default(),
        status: match span.status {
            Status::Error { .. } => SpanStatus::Error,
            Status::Unset | Status::Ok => SpanStatus::Success,
        },
        kept: Kept::Sampled,
        call: None,
        attributes: span.attributes.iter().map(attribute).collect(),
        carried: None,
    })
}

fn attribute(attribute: &KeyValue) -> (std::borrow::Cow<'static, str>, AttributeValue) {
    let value = match &attribute.value {
        Value::Bool(flag) => (*flag).into(),
        Value::I64(number) => (*number).into(),
        Value::F64(number) => (*number).into(),
        other => other.as_str().into_owned().into(),
    };
    (attribute.key.as_str().to_owned().into(), value)
}

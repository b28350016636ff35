//! Spans as OpenTelemetry has them.

use opentelemetry::{
    InstrumentationScope, KeyValue, Value,
    trace::{SpanContext, SpanKind as OtelKind, Status, TraceFlags, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::{
    AttributeValue, SpanId, TraceId,
    record::{FinishedSpan, SpanKind, SpanStatus},
};

pub(crate) fn span_data(span: &FinishedSpan) -> SpanData {
    let error = span.attribute("error.type");
    let error = error.as_ref().and_then(AttributeValue::as_str);
    SpanData {
        span_context: span_context(span.trace_id, span.span_id, trace_state(span)),
        parent_span_id: span.parent.map_or(opentelemetry::SpanId::INVALID, |id| {
            opentelemetry::SpanId::from_bytes(id.to_bytes())
        }),
        parent_span_is_remote: span.kind == SpanKind::Server,
        span_kind: match span.kind {
            SpanKind::Server => OtelKind::Server,
            SpanKind::Client => OtelKind::Client,
            SpanKind::Internal => OtelKind::Internal,
            SpanKind::Producer => OtelKind::Producer,
            SpanKind::Consumer => OtelKind::Consumer,
        },
        name: span.name().to_owned().into(),
        start_time: span.start,
        end_time: span.start + span.duration,
        attributes: span
            .attributes()
            .map(|(key, value)| KeyValue::new(key, otel_value(value)))
            .collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: match span.status {
            SpanStatus::Error => Status::error(error.unwrap_or_default().to_owned()),
            SpanStatus::Success | SpanStatus::Cancelled => Status::Unset,
        },
        instrumentation_scope: InstrumentationScope::builder("tooloo-trace")
            .with_version(env!("CARGO_PKG_VERSION"))
            .build(),
    }
}

pub(crate) fn span_context(trace_id: TraceId, span_id: SpanId, state: TraceState) -> SpanContext {
    SpanContext::new(
        opentelemetry::TraceId::from_bytes(trace_id.to_bytes()),
        opentelemetry::SpanId::from_bytes(span_id.to_bytes()),
        TraceFlags::SAMPLED,
        false,
        state,
    )
}

/// Returns the `tracestate` that the span sent along: collectors read the sampling probability there.
fn trace_state(span: &FinishedSpan) -> TraceState {
    let header = span
        .carried
        .as_ref()
        .and_then(|carried| carried.state.to_header());
    let state = header.and_then(|header| header.to_str().ok()?.parse().ok());
    state.unwrap_or(TraceState::NONE)
}

fn otel_value(value: AttributeValue) -> Value {
    match value {
        AttributeValue::Text(text) => Value::String(text.into()),
        AttributeValue::Integer(number) => Value::from(number),
        AttributeValue::Number(number) => Value::from(number),
        AttributeValue::Flag(flag) => Value::from(flag),
    }
}

//! A span as a collector received it.

use std::{collections::BTreeMap, fmt::Write};

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, KeyValue, any_value::Value},
    trace::v1::{ResourceSpans, Span},
};

/// An exported span, with the resource it belongs to; ids are lower-case hex.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ReceivedSpan {
    /// The trace it belongs to.
    pub trace_id: String,
    /// Its own id.
    pub span_id: String,
    /// The id of the span that caused it.
    pub parent_span_id: Option<String>,
    /// Its name.
    pub name: String,
    /// `SPAN_KIND_SERVER`, `SPAN_KIND_CLIENT` and so on.
    pub kind: &'static str,
    /// `STATUS_CODE_UNSET`, `STATUS_CODE_OK` or `STATUS_CODE_ERROR`.
    pub status: &'static str,
    /// The trace state it carries.
    pub trace_state: String,
    /// Nanoseconds from its start to its end.
    pub duration: u64,
    /// Its attributes, as text.
    pub attributes: BTreeMap<String, String>,
    /// The attributes of its resource, as text.
    pub resource: BTreeMap<String, String>,
}

impl ReceivedSpan {
    pub(super) fn all(of: ResourceSpans) -> Vec<Self> {
        let resource = of
            .resource
            .map(|resource| texts(resource.attributes))
            .unwrap_or_default();
        let spans = of.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans
            .map(|span| Self::new(span, resource.clone()))
            .collect()
    }

    fn new(span: Span, resource: BTreeMap<String, String>) -> Self {
        Self {
            trace_id: hex(&span.trace_id),
            span_id: hex(&span.span_id),
            parent_span_id: (!span.parent_span_id.is_empty()).then(|| hex(&span.parent_span_id)),
            kind: span.kind().as_str_name(),
            status: span.status.clone().unwrap_or_default().code().as_str_name(),
            duration: span
                .end_time_unix_nano
                .saturating_sub(span.start_time_unix_nano),
            name: span.name,
            trace_state: span.trace_state,
            attributes: texts(span.attributes),
            resource,
        }
    }
}

fn texts(attributes: Vec<KeyValue>) -> BTreeMap<String, String> {
    let texts = attributes
        .into_iter()
        .map(|attribute| (attribute.key, text(attribute.value)));
    texts.collect()
}

fn text(value: Option<AnyValue>) -> String {
    match value.and_then(|value| value.value) {
        Some(Value::StringValue(text)) => text,
        Some(Value::BoolValue(value)) => value.to_string(),
        Some(Value::IntValue(value)) => value.to_string(),
        Some(Value::DoubleValue(value)) => value.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a String does not fail");
        text
    })
}

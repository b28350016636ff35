//! Spans that have ended.

use std::{
    borrow::Cow,
    mem::size_of,
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    AttributeValue, SpanId, TraceId, attribute::Attributes, context::Carried,
    conventions::CallRecord,
};

/// One piece of work of a trace, after its end.
///
/// As JSON it has the times in RFC 3339 and the duration in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct FinishedSpan {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) name: Name,
    pub(crate) service: Arc<str>,
    pub(crate) kind: SpanKind,
    pub(crate) start: SystemTime,
    pub(crate) duration: Duration,
    pub(crate) status: SpanStatus,
    pub(crate) kept: Kept,
    /// What it was, if it was a call.
    pub(crate) call: Option<CallRecord>,
    /// What else is known of it.
    pub(crate) attributes: Attributes,
    pub(crate) carried: Option<Arc<Carried>>,
}

/// A span's name, shared with its route where it has one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Name {
    Own(Cow<'static, str>),
    Route(Arc<str>),
}

/// A span's part in a call.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SpanKind {
    /// It answers a call.
    Server,
    /// It makes a call.
    Client,
    /// It is work within a service.
    Internal,
    /// It sends a message.
    Producer,
    /// It receives a message.
    Consumer,
}

/// How a span ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SpanStatus {
    /// Well, or with a fault of its caller's.
    Success,
    /// With a fault of its own.
    Error,
    /// Unfinished: whoever waited for it left.
    Cancelled,
}

/// Why a span was kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Kept {
    /// Its trace was sampled.
    Sampled,
    /// Its trace was not sampled, but it failed.
    Error,
    /// Its trace was not sampled, but it was slow.
    Slow,
}

/// The spans of one trace that a tracer still has, by the time they began.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecentTrace {
    /// The trace's id.
    pub trace_id: TraceId,
    /// Its spans.
    pub spans: Vec<Arc<FinishedSpan>>,
}

impl RecentTrace {
    pub(crate) fn new(trace_id: TraceId, spans: Vec<Arc<FinishedSpan>>) -> Self {
        Self { trace_id, spans }
    }
}

impl FinishedSpan {
    /// Returns the id of the span's trace.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// Returns the span's id.
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// Returns the id of the span it is part of, which may belong to another service.
    pub fn parent_span_id(&self) -> Option<SpanId> {
        self.parent
    }

    /// Returns what the span is called.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// Returns the service that did the work.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Returns the span's part in a call.
    pub fn kind(&self) -> SpanKind {
        self.kind
    }

    /// Returns when it began.
    pub fn start(&self) -> SystemTime {
        self.start
    }

    /// Returns how long it took.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// Returns how it ended.
    pub fn status(&self) -> SpanStatus {
        self.status
    }

    /// Returns why it was kept.
    pub fn kept(&self) -> Kept {
        self.kept
    }

    /// Returns the value of an attribute; the last one that was set under `key`.
    pub fn attribute(&self, key: &str) -> Option<AttributeValue> {
        let named = self.attributes().filter(|(other, _)| other == key);
        named.last().map(|(_, value)| value)
    }

    /// Returns all that is known of it, in the words of OpenTelemetry's conventions.
    pub(crate) fn attributes(&self) -> impl Iterator<Item = (Cow<'static, str>, AttributeValue)> {
        let call = self.call.as_ref();
        let call = call.map_or_else(Vec::new, |call| call.attributes(self.status));
        call.into_iter().chain(self.attributes.iter().cloned())
    }

    /// Returns about how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        let name = match &self.name {
            Name::Own(Cow::Owned(name)) => name.len(),
            Name::Own(Cow::Borrowed(_)) | Name::Route(_) => 0,
        };
        let attributes = self.attributes.iter().map(|(key, value)| {
            size_of::<(Cow<'_, str>, AttributeValue)>()
                + key.len()
                + value.as_str().map_or(0, str::len)
        });
        let call = self.call.as_ref().map_or(0, CallRecord::bytes);
        size_of::<Self>() + name + call + attributes.sum::<usize>()
    }
}

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Own(name) => name,
            Self::Route(name) => name,
        }
    }
}

impl Serialize for FinishedSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut span = serializer.serialize_struct("Span", 11)?;
        span.serialize_field("traceId", &self.trace_id)?;
        span.serialize_field("spanId", &self.span_id)?;
        span.serialize_field("parentSpanId", &self.parent)?;
        span.serialize_field("name", self.name())?;
        span.serialize_field("service", self.service())?;
        span.serialize_field("kind", &self.kind)?;
        span.serialize_field("startTime", &jiff::Timestamp::try_from(self.start).ok())?;
        span.serialize_field("duration", &(self.duration.as_secs_f64() * 1000.0))?;
        span.serialize_field("status", &self.status)?;
        span.serialize_field("kept", &self.kept)?;
        let attributes: serde_json::Map<_, _> = self
            .attributes()
            .map(|(key, value)| {
                (
                    key.into_owned(),
                    serde_json::to_value(value).unwrap_or_default(),
                )
            })
            .collect();
        span.serialize_field("attributes", &attributes)?;
        span.end()
    }
}

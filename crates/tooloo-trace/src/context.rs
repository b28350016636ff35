//! The trace a piece of work belongs to.

use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderValue, Uri, uri::PathAndQuery};

use crate::{
    Baggage, SpanId, TraceId, Tracer,
    w3c::{
        self,
        traceparent::{self, Parent},
        tracestate::Tracestate,
    },
};

/// Where in a trace a piece of work is: the ids of its span, and what travels with it.
#[derive(Clone)]
pub struct TraceContext {
    // One pointer: a request's context is moved far more often than it is read.
    pub(crate) span: Arc<OpenSpan>,
}

/// What is settled of a span when it begins.
#[derive(Clone)]
pub(crate) struct OpenSpan {
    pub(crate) tracer: Tracer,
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) flags: Flags,
    // Most requests carry nothing, and pay for nothing.
    pub(crate) carried: Option<Arc<Carried>>,
    pub(crate) called: Called,
}

/// What a span's call asks for.
#[derive(Clone)]
pub(crate) enum Called {
    /// The span is no call's.
    Nothing,
    /// All that a server records of a URL.
    Path(PathAndQuery),
    /// Boxed, to keep what a server moves small.
    Url(Box<Uri>),
}

/// What travels along with the ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Carried {
    pub(crate) state: Tracestate,
    pub(crate) baggage: Baggage,
}

/// The flags that W3C Trace Context level 2 defines.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Flags(u8);

impl TraceContext {
    #[inline]
    pub(crate) fn new(span: OpenSpan) -> Self {
        Self {
            span: Arc::new(span),
        }
    }

    /// Returns the trace's id.
    pub fn trace_id(&self) -> TraceId {
        self.span.trace_id
    }

    /// Returns the id of the span that the work belongs to.
    pub fn span_id(&self) -> SpanId {
        self.span.span_id
    }

    /// Returns whether the trace is sampled.
    pub fn is_sampled(&self) -> bool {
        self.span.flags.sampled()
    }

    /// Returns the name of the service whose tracer began the span.
    pub fn service(&self) -> &str {
        self.span.tracer.service()
    }

    /// Returns the names and values that travel with the request.
    pub fn baggage(&self) -> Baggage {
        self.span
            .carried
            .as_ref()
            .map(|carried| carried.baggage.clone())
            .unwrap_or_default()
    }

    /// Sends `baggage` along with every call made in this context.
    #[must_use]
    pub fn with_baggage(mut self, baggage: Baggage) -> Self {
        let span = Arc::make_mut(&mut self.span);
        Arc::make_mut(span.carried.get_or_insert_default()).baggage = baggage;
        self
    }

    /// Writes the context into the headers of an outgoing request, in place of one that is there.
    pub fn inject(&self, headers: &mut HeaderMap) {
        headers.insert(w3c::TRACEPARENT.clone(), self.span.traceparent());
        let carried = self.span.carried.as_deref();
        let carried =
            carried.map(|carried| (carried.state.to_header(), carried.baggage.to_header()));
        let (state, baggage) = carried.unwrap_or_default();
        for (name, value) in [(&w3c::TRACESTATE, state), (&w3c::BAGGAGE, baggage)] {
            match value {
                Some(value) => {
                    headers.insert(name.clone(), value);
                }
                None => {
                    headers.remove(name);
                }
            }
        }
    }

    /// Makes the context of a request that is only passed on: its trace is its caller's, and what has
    /// no trace yet gets one that is not sampled.
    pub(crate) fn passed_on(
        tracer: &Tracer,
        parent: Option<Parent>,
        carried: Option<Carried>,
    ) -> Self {
        Self::new(OpenSpan {
            tracer: tracer.clone(),
            trace_id: parent.map_or_else(TraceId::random, |parent| parent.trace_id),
            // Calls made on the way are the caller's children: there is no span in between.
            span_id: parent.map_or_else(SpanId::random, |parent| parent.span_id),
            parent: parent.map(|parent| parent.span_id),
            flags: parent.map_or(Flags::RANDOM, |parent| parent.flags),
            carried: carried.map(Arc::new),
            called: Called::Nothing,
        })
    }

    /// Makes the context of a span of `tracer` under this one.
    pub(crate) fn child(&self, tracer: &Tracer, called: Called) -> Self {
        Self::new(OpenSpan {
            tracer: tracer.clone(),
            trace_id: self.span.trace_id,
            span_id: SpanId::random(),
            parent: Some(self.span.span_id),
            flags: self.span.flags,
            carried: self.span.carried.clone(),
            called,
        })
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceContext")
            .field("trace_id", &self.span.trace_id)
            .field("span_id", &self.span.span_id)
            .field("flags", &self.span.flags)
            .finish_non_exhaustive()
    }
}

impl OpenSpan {
    /// Returns the header that names this span.
    #[inline]
    pub(crate) fn traceparent(&self) -> HeaderValue {
        traceparent::format(self.trace_id, self.span_id, self.flags)
    }
}

impl Carried {
    /// Reads what came along with a request; `state` is dropped where its parent was not valid.
    pub(crate) fn extract(headers: &HeaderMap, valid_parent: bool) -> Option<Self> {
        let state = if valid_parent {
            Tracestate::extract(headers)
        } else {
            Tracestate::default()
        };
        let baggage = if headers.contains_key(&w3c::BAGGAGE) {
            Baggage::extract(headers)
        } else {
            Baggage::new()
        };
        (!state.is_empty() || !baggage.is_empty()).then_some(Self { state, baggage })
    }
}

impl Flags {
    const SAMPLED: u8 = 0b01;
    pub(crate) const RANDOM: Self = Self(0b10);

    /// Keeps the bits that are defined.
    pub(crate) const fn known(bits: u8) -> Self {
        Self(bits & (Self::SAMPLED | Self::RANDOM.0))
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    pub(crate) const fn sampled(self) -> bool {
        self.0 & Self::SAMPLED != 0
    }

    pub(crate) const fn random(self) -> bool {
        self.0 & Self::RANDOM.0 != 0
    }

    pub(crate) const fn with_sampled(self, sampled: bool) -> Self {
        Self(self.0 & !Self::SAMPLED | sampled as u8)
    }
}

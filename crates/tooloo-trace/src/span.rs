//! Spans that a program begins itself.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use tooloo_clock::Moment;

use crate::{
    AttributeValue, TraceContext, Tracer,
    attribute::Attributes,
    context::Called,
    figures::{Outcome, RouteId},
    method::MethodName,
    record::{FinishedSpan, Kept, Name, SpanKind, SpanStatus},
    scope::InScope,
};

/// Attributes that a span keeps; more are left out.
const MAX_ATTRIBUTES: usize = 64;

/// A piece of work that is going on; it ends when this is dropped.
///
/// Where its trace is not sampled, it is kept only if it fails or is slow.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    context: TraceContext,
    name: Cow<'static, str>,
    start: Moment,
    attributes: Attributes,
    error: Option<Cow<'static, str>>,
    // The figures it counts in, if it is the first of its trace.
    root: Option<RouteId>,
}

impl Span {
    pub(crate) fn root(tracer: &Tracer, name: Cow<'static, str>) -> Self {
        let start = Moment::exact();
        let context = tracer.begin(None, None, start, Called::Nothing);
        tracer.counts().begin(context.is_sampled());
        let root = Some(tracer.routes().resolve(MethodName::None, &name));
        Self {
            context,
            name,
            start,
            attributes: Vec::new(),
            error: None,
            root,
        }
    }

    pub(crate) fn under(tracer: &Tracer, parent: &TraceContext, name: Cow<'static, str>) -> Self {
        Self {
            context: parent.child(tracer, Called::Nothing),
            name,
            start: Moment::exact(),
            attributes: Vec::new(),
            error: None,
            root: None,
        }
    }

    /// Begins a span under this one.
    pub fn child(&self, name: impl Into<Cow<'static, str>>) -> Self {
        Self::under(&self.context.span.tracer, &self.context, name.into())
    }

    /// Returns where in its trace the span is.
    pub fn context(&self) -> &TraceContext {
        &self.context
    }

    /// Records something about the work; the first 64 attributes are kept.
    pub fn set_attribute(
        &mut self,
        key: impl Into<Cow<'static, str>>,
        value: impl Into<AttributeValue>,
    ) {
        if self.attributes.len() < MAX_ATTRIBUTES {
            self.attributes.push((key.into(), value.into()));
        }
    }

    /// Records that the work failed; `error_type` is one of few names, such as `timeout`.
    pub fn fail(&mut self, error_type: impl Into<Cow<'static, str>>) {
        self.error = Some(error_type.into());
    }

    /// Runs `future` in this span: what it begins is under it.
    pub fn in_scope<F>(&self, future: F) -> InScope<F> {
        self.context.clone().in_scope(future)
    }

    /// Ends the span.
    pub fn end(self) {}
}

impl Drop for Span {
    fn drop(&mut self) {
        let span = Arc::clone(&self.context.span);
        let tracer = &span.tracer;
        let now = Moment::exact();
        let duration = now.saturating_duration_since(self.start);
        let outcome = Outcome {
            status: None,
            error: self.error.is_some(),
            cancelled: false,
        };
        if let Some(route) = self.root {
            tracer.routes().get(route).record(duration, outcome);
            tracer.counts().end(tracer.second(now));
        }
        let Some(kept) = Kept::why(&self.context, outcome, duration) else {
            return;
        };
        let mut attributes = std::mem::take(&mut self.attributes);
        if let Some(error) = self.error.take() {
            attributes.push(("error.type".into(), error.into()));
        }
        tracer.keep(FinishedSpan {
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent: span.parent,
            name: Name::Own(std::mem::take(&mut self.name)),
            service: tracer.config().service.clone(),
            kind: SpanKind::Internal,
            start: began(tooloo_clock::wall(), duration),
            duration,
            status: SpanStatus::of(outcome),
            kept,
            call: None,
            attributes,
            carried: span.carried.clone(),
        });
    }
}

impl Kept {
    /// Returns why a span of this trace that ended so is kept, or `None` where it is not.
    #[inline]
    pub(crate) fn why(
        context: &TraceContext,
        outcome: Outcome,
        duration: Duration,
    ) -> Option<Self> {
        if context.is_sampled() {
            Some(Self::Sampled)
        } else if outcome.error {
            Some(Self::Error)
        } else if duration >= context.span.tracer.config().slow {
            Some(Self::Slow)
        } else {
            None
        }
    }
}

impl SpanStatus {
    pub(crate) fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome { error: true, .. } => Self::Error,
            Outcome {
                cancelled: true, ..
            } => Self::Cancelled,
            _ => Self::Success,
        }
    }
}

/// Returns when something began that took `duration` until `now`.
pub(crate) fn began(now: SystemTime, duration: Duration) -> SystemTime {
    now.checked_sub(duration).unwrap_or(now)
}

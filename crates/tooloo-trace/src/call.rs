//! The span of one HTTP call, from either end, from its beginning to the end of its body.

use std::{
    thread,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, StatusCode, Uri};
use tooloo_clock::Moment;

use crate::{
    TraceContext,
    attribute::Attributes,
    bridge::Bridged,
    conventions::{self, CallRecord},
    figures::{Outcome, Route, RouteId},
    method::MethodName,
    record::{FinishedSpan, Kept, Name, SpanKind, SpanStatus},
    scope::enter,
    span::began,
};

/// A call that is going on. Dropped before its end, it counts as cancelled.
#[derive(Debug)]
pub(crate) struct Call {
    // Taken out while it is the thread's current one, and at the end.
    context: Option<TraceContext>,
    start: Moment,
    side: Side,
    // Where its figures are; none for a call that is left out of them.
    route: Option<RouteId>,
    method: MethodName,
    status: Option<StatusCode>,
    // What only a sampled call pays for.
    sampled: Option<Box<Sampled>>,
}

/// Which end of the call this is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Server,
    Client,
}

#[derive(Debug, Default)]
struct Sampled {
    bridged: Option<Bridged>,
    host: Option<Box<str>>,
    attributes: Attributes,
}

/// How a call failed without a status that says so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Failure {
    /// The service gave an error in place of an answer.
    Service,
    /// The answer broke off.
    Body,
    /// The handler panicked.
    Panic,
}

/// The start of a call's span.
pub(crate) struct Begin<'a> {
    pub(crate) context: TraceContext,
    pub(crate) start: Moment,
    pub(crate) side: Side,
    pub(crate) route: Option<RouteId>,
    pub(crate) method: MethodName,
    pub(crate) uri: &'a Uri,
    pub(crate) headers: &'a HeaderMap,
}

impl Call {
    #[inline]
    pub(crate) fn begin(begin: Begin<'_>) -> Self {
        let sampled = (begin.context.is_sampled() && begin.route.is_some())
            .then(|| Box::new(Sampled::new(&begin)));
        Self {
            start: begin.start,
            side: begin.side,
            route: begin.route,
            method: begin.method,
            status: None,
            sampled,
            context: Some(begin.context),
        }
    }

    /// Does `work` with the call's context as the current one.
    #[inline]
    pub(crate) fn within<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let _entered = enter(&mut self.context);
        match self
            .sampled
            .as_ref()
            .and_then(|sampled| sampled.bridged.as_ref())
        {
            None => work(),
            Some(bridged) => bridged.within(work),
        }
    }

    #[inline]
    pub(crate) fn context(&self) -> Option<&TraceContext> {
        self.context.as_ref()
    }

    /// Returns whether an answer with `status` has a body that will be read to its end.
    #[inline]
    pub(crate) fn expects_body(&self, status: StatusCode) -> bool {
        let none = status.is_informational()
            || status == StatusCode::NO_CONTENT
            || status == StatusCode::NOT_MODIFIED
            || self.method == MethodName::Head
            || (self.method == MethodName::Connect && status.is_success());
        !none
    }

    #[inline]
    pub(crate) fn set_status(&mut self, status: StatusCode) {
        self.status = Some(status);
    }

    /// Returns whether the call has gone on for so long that its span should end.
    pub(crate) fn is_too_long(&self) -> bool {
        self.context.as_ref().is_some_and(|context| {
            let so_far = Moment::exact().saturating_duration_since(self.start);
            so_far >= context.span.tracer.config().longest
        })
    }

    /// Ends the span of a call whose answer is complete.
    #[inline]
    pub(crate) fn end(mut self) {
        self.finish(false, None);
    }

    pub(crate) fn fail(mut self, failure: Failure) {
        self.finish(false, Some(failure));
    }

    #[inline]
    fn finish(&mut self, cancelled: bool, failure: Option<Failure>) {
        let (Some(context), Some(route)) = (self.context.take(), self.route) else {
            return;
        };
        let tracer = &context.span.tracer;
        let now = Moment::exact();
        let duration = now.saturating_duration_since(self.start);
        let outcome = Outcome {
            status: self.status.map(|status| status.as_u16()),
            error: failure.is_some() || self.side.blames(self.status),
            cancelled,
        };
        let route = match self.side {
            Side::Server => tracer.routes().get(route),
            Side::Client => tracer.outgoing().get(route),
        };
        let series = route.record(duration, outcome);
        if self.side == Side::Server {
            // After its figures are in: who sees no call active sees all of them.
            tracer.counts().end(tracer.second(now));
        }
        if let Some(kept) = Kept::why(&context, outcome, duration) {
            let now = tooloo_clock::wall();
            if kept == Kept::Sampled {
                series.exemplify(duration, context.span.trace_id, now);
            }
            let took = (began(now, duration), duration);
            self.keep(&context, route, outcome, failure, took, kept);
        }
    }

    #[cold]
    fn keep(
        &mut self,
        context: &TraceContext,
        route: &Route,
        outcome: Outcome,
        failure: Option<Failure>,
        (start, duration): (SystemTime, Duration),
        kept: Kept,
    ) {
        let span = &context.span;
        let sampled = self.sampled.take().map(|it| *it).unwrap_or_default();
        if let Some(bridged) = &sampled.bridged {
            bridged.end(self.status);
        }
        span.tracer.keep(FinishedSpan {
            trace_id: span.trace_id,
            span_id: span.span_id,
            parent: span.parent,
            name: Name::Route(route.name.clone()),
            service: span.tracer.config().service.clone(),
            kind: match self.side {
                Side::Server => SpanKind::Server,
                Side::Client => SpanKind::Client,
            },
            start,
            duration,
            status: SpanStatus::of(outcome),
            kept,
            call: Some(CallRecord {
                method: self.method,
                route: (self.side == Side::Server).then(|| route.pattern.clone()),
                host: sampled.host,
                target: (&span.called).into(),
                status: self.status,
                failure,
            }),
            attributes: sampled.attributes,
            carried: span.carried.clone(),
        });
    }
}

impl Drop for Call {
    #[inline]
    fn drop(&mut self) {
        if self.context.is_some() {
            // A panic drops it, too, and is no client that left.
            let failure = thread::panicking().then_some(Failure::Panic);
            self.finish(failure.is_none(), failure);
        }
    }
}

impl Sampled {
    #[cold]
    fn new(begin: &Begin<'_>) -> Self {
        let recorded = &begin.context.span.tracer.config().headers;
        Self {
            bridged: Bridged::new(begin),
            host: conventions::asked(begin.uri, begin.headers).map(Into::into),
            attributes: conventions::details(begin.uri, begin.headers, recorded),
        }
    }
}

impl Side {
    /// Returns whether a status is this side's failure: a server answers for 5xx, a client also for
    /// what it sent.
    #[inline]
    fn blames(self, status: Option<StatusCode>) -> bool {
        status.is_some_and(|status| {
            status.is_server_error() || (self == Self::Client && status.is_client_error())
        })
    }
}

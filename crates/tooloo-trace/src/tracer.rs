//! The tracer itself: traces without HTTP.

use std::{borrow::Cow, fmt, io, sync::Arc, time::Duration};

use opentelemetry_sdk::trace::SpanExporter;
use tooloo_clock::Moment;

use crate::{
    Kept, RecentTrace, Span, TraceConfig, TraceContext, TraceHandle, TraceId,
    context::{Called, Carried, OpenSpan},
    error::{FlushError, InvalidRate},
    export::Export,
    figures::{Counts, Routes},
    otel::span_data,
    record::FinishedSpan,
    sampler::Sampler,
    scope::with_current,
    store::RecentSpans,
    w3c::traceparent::Parent,
};

/// Begins traces, decides which are sampled, counts all of them and keeps the recent ones.
///
/// Clones share everything. There are no globals: two tracers in one process know nothing of each
/// other.
///
/// ```
/// use tooloo_trace::{TraceConfig, Tracer};
///
/// let tracer = Tracer::new(TraceConfig::new("nightly").with_sampling_rate(1.0)?);
/// let trace = tracer.start_trace("rebuild index");
/// let mut read = trace.child("read pages");
/// read.set_attribute("pages", 42);
/// read.end();
/// let id = trace.context().trace_id();
/// trace.end();
///
/// assert_eq!(tracer.trace(id).map(|trace| trace.spans.len()), Some(2));
/// assert_eq!(tracer.handle().figures().total_traces, 1);
/// # Ok::<(), tooloo_trace::InvalidRate>(())
/// ```
#[derive(Clone)]
pub struct Tracer {
    inner: Arc<Inner>,
}

struct Inner {
    config: TraceConfig,
    sampler: Sampler,
    counts: Counts,
    routes: Routes,
    outgoing: Routes,
    recent: RecentSpans,
    export: Option<Export>,
    started: Moment,
}

impl Tracer {
    /// Creates a tracer that keeps its traces to itself.
    pub fn new(config: TraceConfig) -> Self {
        Self::build(config, None)
    }

    /// Creates a tracer that also sends sampled spans to `exporter`, from a thread of its own.
    ///
    /// # Errors
    ///
    /// Returns the system's error where that thread or its runtime cannot be started.
    pub fn with_exporter<E: SpanExporter + 'static>(
        config: TraceConfig,
        exporter: E,
    ) -> io::Result<Self> {
        let export = Export::start(&config, || Ok::<_, io::Error>(exporter))?;
        Ok(Self::build(config, Some(export)))
    }

    /// Creates a tracer that also sends sampled spans to an OpenTelemetry collector.
    ///
    /// # Errors
    ///
    /// Returns [`OtlpError`](crate::OtlpError) where the settings are no use, or the exporter's
    /// thread cannot be started. A collector that is away is no error: its spans are counted as
    /// failed.
    #[cfg(feature = "otlp")]
    pub fn with_otlp(
        config: TraceConfig,
        otlp: &crate::OtlpConfig,
    ) -> Result<Self, crate::OtlpError> {
        let export = Export::start(&config, || otlp.exporter())?;
        Ok(Self::build(config, Some(export)))
    }

    fn build(config: TraceConfig, export: Option<Export>) -> Self {
        let sampler = Sampler::new(
            config.sampling_rate,
            config.trust,
            config.sampled_per_second,
        )
        .expect("a config holds a valid rate");
        Self {
            inner: Arc::new(Inner {
                sampler,
                counts: Counts::new(),
                routes: Routes::new(config.max_routes),
                outgoing: Routes::new(config.max_routes),
                recent: RecentSpans::new(config.store_bytes),
                export,
                started: Moment::exact(),
                config,
            }),
        }
    }

    /// Begins a new trace with a span called `name`.
    ///
    /// `name` should be one of few: figures are kept for each. What varies belongs in attributes.
    pub fn start_trace(&self, name: impl Into<Cow<'static, str>>) -> Span {
        Span::root(self, name.into())
    }

    /// Begins a span under the [`current`](crate::current) one, or a new trace where there is none.
    pub fn start_span(&self, name: impl Into<Cow<'static, str>>) -> Span {
        let name = name.into();
        match with_current(|current| current.map(|parent| Span::under(self, parent, name.clone())))
        {
            Some(span) => span,
            None => self.start_trace(name),
        }
    }

    /// Returns what is still kept of a trace, or `None` of an unknown one.
    pub fn trace(&self, id: TraceId) -> Option<RecentTrace> {
        let spans = self.inner.recent.of(id);
        (!spans.is_empty()).then(|| RecentTrace::new(id, spans))
    }

    /// Samples this fraction of the traces that begin from now on.
    ///
    /// # Errors
    ///
    /// Returns [`InvalidRate`], and changes nothing, where `rate` is no fraction from 0 to 1.
    pub fn set_sampling_rate(&self, rate: f64) -> Result<(), InvalidRate> {
        self.inner.sampler.set_rate(rate)
    }

    /// Returns the name of the service.
    pub fn service(&self) -> &str {
        &self.inner.config.service
    }

    /// Returns a read-only view.
    pub fn handle(&self) -> TraceHandle {
        TraceHandle::new(self.clone())
    }

    /// Sends what waits for the exporter; call it at shutdown.
    ///
    /// # Errors
    ///
    /// Returns [`FlushError`] where that takes longer than `deadline`.
    pub async fn flush(&self, deadline: Duration) -> Result<(), FlushError> {
        let Some(export) = &self.inner.export else {
            return Ok(());
        };
        export.flush(deadline).await
    }

    /// Makes the context of a span that is about to begin.
    #[inline]
    pub(crate) fn begin(
        &self,
        parent: Option<Parent>,
        carried: Option<Carried>,
        now: Moment,
        called: Called,
    ) -> TraceContext {
        let mut carried = carried.map(Arc::new);
        let decision = self
            .inner
            .sampler
            .decide(parent, &mut carried, || self.second(now));
        TraceContext::new(OpenSpan {
            tracer: self.clone(),
            trace_id: decision.trace_id,
            span_id: decision.span_id,
            parent: decision.parent,
            flags: decision.flags,
            carried,
            called,
        })
    }

    /// Keeps a span, and exports it where its trace is sampled.
    pub(crate) fn keep(&self, mut span: FinishedSpan) {
        if let (Some(export), Kept::Sampled) = (&self.inner.export, span.kept) {
            export.send(span_data(&span));
        }
        // Only the exporter asks for it, and a client says how large it is.
        span.carried = None;
        self.inner.recent.push(Arc::new(span));
    }

    /// Returns the seconds since the tracer's start.
    #[inline]
    pub(crate) fn second(&self, now: Moment) -> u32 {
        let age = now.saturating_duration_since(self.inner.started);
        u32::try_from(age.as_secs()).unwrap_or(u32::MAX)
    }

    pub(crate) fn age(&self) -> Duration {
        Moment::exact().saturating_duration_since(self.inner.started)
    }

    pub(crate) fn sampler(&self) -> &Sampler {
        &self.inner.sampler
    }

    pub(crate) fn config(&self) -> &TraceConfig {
        &self.inner.config
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.inner.counts
    }

    pub(crate) fn routes(&self) -> &Routes {
        &self.inner.routes
    }

    pub(crate) fn outgoing(&self) -> &Routes {
        &self.inner.outgoing
    }

    pub(crate) fn recent(&self) -> &RecentSpans {
        &self.inner.recent
    }

    pub(crate) fn export(&self) -> Option<&Export> {
        self.inner.export.as_ref()
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}

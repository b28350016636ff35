//! The durations of one route, method and status.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use prometheus_client::{
    encoding::{EncodeLabelSet, LabelSetEncoder},
    metrics::exemplar::HistogramWithExemplars,
};

use super::histogram::Histogram;
use crate::TraceId;

/// The upper bounds, in seconds, that OpenTelemetry's conventions set for request durations.
pub(crate) const BOUNDS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];

/// One route, method and status.
pub(crate) struct Series {
    /// The status that was answered, or `None` where there was no answer.
    pub(crate) status: Option<u16>,
    /// Whether it holds every status for which there was no more room.
    pub(crate) is_rest: bool,
    pub(crate) durations: Histogram,
    /// The same durations, of sampled requests only.
    pub(crate) exemplars: HistogramWithExemplars<ExemplarLabels>,
}

/// Names the trace of an exemplar; written out when metrics are, and not for each request.
#[derive(Debug)]
pub(crate) struct ExemplarLabels(TraceId);

impl Series {
    pub(super) fn new(status: Option<u16>, is_rest: bool) -> Self {
        Self {
            status,
            is_rest,
            durations: Histogram::new(),
            exemplars: HistogramWithExemplars::new(BOUNDS.into_iter()),
        }
    }

    pub(crate) fn exemplify(&self, duration: Duration, trace_id: TraceId, now: SystemTime) {
        let labels = ExemplarLabels(trace_id);
        self.exemplars
            .observe(duration.as_secs_f64(), Some(labels), Some(now));
    }
}

impl EncodeLabelSet for ExemplarLabels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        [("trace_id", self.0.to_string())].encode(encoder)
    }
}

impl fmt::Debug for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Series")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

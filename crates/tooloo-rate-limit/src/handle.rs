//! A read-only view.

use std::{fmt, sync::Arc};

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use serde::Serialize;
use tooloo_hub::Observe;

use crate::engine::Engine;

/// Reads a limiter's figures after it has been moved into a stack.
#[derive(Clone, Debug)]
pub struct RateLimitHandle {
    engine: Arc<Engine>,
}

/// What a limiter has done so far.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RateLimitSnapshot {
    /// Requests that were let through, sent away, or gave up waiting.
    pub total_requests: u64,
    /// Those that were let through.
    pub allowed_requests: u64,
    /// Those that were sent away.
    pub denied_requests: u64,
    /// Those that had to wait.
    pub queued_requests: u64,
    /// Those that gave up waiting before their deadline.
    pub cancelled_requests: u64,
    /// Those that wait now.
    pub waiting_requests: u64,
    /// The fraction of the decided that was let through; `None` of none.
    pub allow_rate: Option<f64>,
    /// Keys that are held in memory: those whose bucket is not known to be full.
    pub active_keys: u64,
    /// Keys that were forgotten, their bucket being full again.
    pub evicted_keys: u64,
    /// The busiest keys, busiest first.
    pub top_keys: Vec<KeySnapshot>,
}

/// The figures of one key.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct KeySnapshot {
    /// The key.
    pub key: String,
    /// Its requests that were let through.
    pub allowed: u64,
    /// Its requests that were sent away.
    pub denied: u64,
}

impl RateLimitHandle {
    pub(crate) fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }

    /// Returns how many keys are held in memory.
    pub fn active_keys(&self) -> usize {
        self.engine.keys().len()
    }
}

impl Observe for RateLimitHandle {
    type Snapshot = RateLimitSnapshot;

    fn snapshot(&self) -> RateLimitSnapshot {
        let totals = self.engine.figures().totals();
        let top = self.engine.top_keys();
        RateLimitSnapshot {
            total_requests: totals.allowed + totals.denied + totals.cancelled,
            allowed_requests: totals.allowed,
            denied_requests: totals.denied,
            queued_requests: totals.queued,
            cancelled_requests: totals.cancelled,
            waiting_requests: self.engine.waiting() as u64,
            allow_rate: fraction(totals.allowed, totals.allowed + totals.denied),
            active_keys: self.active_keys() as u64,
            evicted_keys: self.engine.keys().evicted(),
            top_keys: top
                .into_iter()
                .map(|(key, allowed, denied)| KeySnapshot {
                    key: key.to_string(),
                    allowed,
                    denied,
                })
                .collect(),
        }
    }

    fn encode(&self, mut metrics: DescriptorEncoder<'_>) -> fmt::Result {
        let totals = self.engine.figures().totals();
        let family = metrics.encode_descriptor(
            "rate_limit_requests",
            "Requests by what became of them",
            None,
            MetricType::Counter,
        );
        let mut family = family?;
        for (outcome, count) in [
            ("allowed", totals.allowed),
            ("denied", totals.denied),
            ("cancelled", totals.cancelled),
        ] {
            let labels = [("outcome", outcome)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        for (name, help, count) in [
            (
                "rate_limit_queued_requests",
                "Requests that had to wait",
                totals.queued,
            ),
            (
                "rate_limit_evicted_keys",
                "Keys forgotten, their bucket being full again",
                self.engine.keys().evicted(),
            ),
        ] {
            let counter = metrics.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count).encode(counter)?;
        }
        for (name, help, count) in [
            (
                "rate_limit_waiting_requests",
                "Requests that wait now",
                self.engine.waiting(),
            ),
            (
                "rate_limit_keys",
                "Keys held in memory",
                self.engine.keys().len(),
            ),
        ] {
            let gauge = metrics.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX)).encode(gauge)?;
        }
        Ok(())
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a rate is shown, not counted on"
)]
fn fraction(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

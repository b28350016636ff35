//! A read-only view.

use std::{collections::HashMap, fmt};

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use serde::Serialize;
use tooloo_hub::Observe;

use crate::{Policies, RateLimiter, SharedRateLimiter, figures::Totals};

/// Keys that a snapshot shows.
const SHOWN_KEYS: usize = 10;

/// Reads a limiter's figures after it has been moved into a stack.
#[derive(Clone, Debug)]
pub struct RateLimitHandle {
    source: Source,
}

#[derive(Clone, Debug)]
enum Source {
    Limiter(RateLimiter),
    Shared(SharedRateLimiter),
    Policies(Policies),
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
    /// Whether the store of shared quotas failed of late, and is not asked at the moment; `None` where
    /// there is none.
    pub store_away: Option<bool>,
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
    pub(crate) fn new(limiter: RateLimiter) -> Self {
        Self {
            source: Source::Limiter(limiter),
        }
    }

    pub(crate) fn of_shared(limiter: SharedRateLimiter) -> Self {
        Self {
            source: Source::Shared(limiter),
        }
    }

    pub(crate) fn of_policies(policies: Policies) -> Self {
        Self {
            source: Source::Policies(policies),
        }
    }

    /// Returns how many keys are held in memory.
    pub fn active_keys(&self) -> usize {
        self.sum(|limiter| limiter.engine().keys().len())
    }

    /// Whether the store of shared quotas failed of late, and is not asked at the moment; `None` where
    /// there is none.
    pub fn is_store_away(&self) -> Option<bool> {
        match &self.source {
            Source::Limiter(_) => None,
            Source::Shared(limiter) => Some(limiter.is_store_away()),
            Source::Policies(policies) => policies.is_store_away(),
        }
    }

    fn limiters(&self) -> Vec<RateLimiter> {
        match &self.source {
            Source::Limiter(limiter) => vec![limiter.clone()],
            Source::Shared(limiter) => vec![limiter.local().clone()],
            Source::Policies(policies) => policies.limiters(),
        }
    }

    fn sum(&self, of: impl Fn(&RateLimiter) -> usize) -> usize {
        self.limiters().iter().map(of).sum()
    }

    fn waiting(&self) -> usize {
        self.sum(|limiter| limiter.engine().waiting())
    }

    fn evicted(&self) -> u64 {
        let limiters = self.limiters().into_iter();
        limiters
            .map(|limiter| limiter.engine().keys().evicted())
            .sum()
    }

    fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for limiter in self.limiters() {
            totals += limiter.engine().figures().totals();
        }
        totals
    }

    /// Returns the busiest keys, each over all limiters.
    fn top_keys(&self) -> Vec<KeySnapshot> {
        let mut keys: HashMap<_, (u64, u64)> = HashMap::new();
        for limiter in self.limiters() {
            for (key, allowed, denied) in limiter.engine().top_keys() {
                let counts = keys.entry(key).or_default();
                *counts = (counts.0 + allowed, counts.1 + denied);
            }
        }
        let shown = keys
            .into_iter()
            .map(|(key, (allowed, denied))| KeySnapshot {
                key: key.to_string(),
                allowed,
                denied,
            });
        let mut shown: Vec<_> = shown.collect();
        shown.sort_by(|a, b| {
            let (a_count, b_count) = (a.allowed + a.denied, b.allowed + b.denied);
            b_count.cmp(&a_count).then_with(|| a.key.cmp(&b.key))
        });
        shown.truncate(SHOWN_KEYS);
        shown
    }
}

impl Observe for RateLimitHandle {
    type Snapshot = RateLimitSnapshot;

    fn snapshot(&self) -> RateLimitSnapshot {
        let totals = self.totals();
        RateLimitSnapshot {
            total_requests: totals.allowed + totals.denied + totals.cancelled,
            allowed_requests: totals.allowed,
            denied_requests: totals.denied,
            queued_requests: totals.queued,
            cancelled_requests: totals.cancelled,
            waiting_requests: self.waiting() as u64,
            allow_rate: fraction(totals.allowed, totals.allowed + totals.denied),
            active_keys: self.active_keys() as u64,
            evicted_keys: self.evicted(),
            store_away: self.is_store_away(),
            top_keys: self.top_keys(),
        }
    }

    fn encode(&self, mut metrics: DescriptorEncoder<'_>) -> fmt::Result {
        let totals = self.totals();
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
                self.evicted(),
            ),
        ] {
            let counter = metrics.encode_descriptor(name, help, None, MetricType::Counter)?;
            ConstCounter::new(count).encode(counter)?;
        }
        for (name, help, count) in [
            (
                "rate_limit_waiting_requests",
                "Requests that wait now",
                self.waiting(),
            ),
            ("rate_limit_keys", "Keys held in memory", self.active_keys()),
        ] {
            let gauge = metrics.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(i64::try_from(count).unwrap_or(i64::MAX)).encode(gauge)?;
        }
        if let Some(away) = self.is_store_away() {
            let gauge = metrics.encode_descriptor(
                "rate_limit_store_away",
                "Whether the store of shared quotas is not asked at the moment",
                None,
                MetricType::Gauge,
            )?;
            ConstGauge::new(i64::from(away)).encode(gauge)?;
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

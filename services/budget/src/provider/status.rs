//! A provider as it is shown.

use serde::Serialize;
use tooloo_circuit_breaker::Status;
use tooloo_clock::Instant;
use utoipa::ToSchema;

use super::{Provider, Providers, record::LastFailure};
use crate::money::Prices;

/// How a provider is doing.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProviderStatus {
    name: String,
    base_url: String,
    model: String,
    /// Whether it can be called now.
    available: bool,
    /// Seconds until it can be called again, where it asked to be left alone or its circuit breaker is
    /// open.
    retry_after: Option<f64>,
    /// The state of its circuit breaker: `closed`, `open`, `half-open`, `forced-open` or `disabled`. An open
    /// one whose time is over is half-open with the next call.
    #[schema(value_type = String)]
    circuit_breaker: Status,
    /// Calls under way.
    in_flight: u32,
    /// Requests that wait for one of them to end.
    waiting: usize,
    /// The most calls at once.
    max_concurrency: u32,
    /// Calls made since start.
    calls: u64,
    /// Those of them that failed.
    failures: u64,
    /// The share of recent calls that failed; it fades with time.
    error_rate: Option<f64>,
    /// How long recent answers took, in milliseconds.
    latency: Option<f64>,
    last_failure: Option<LastFailure>,
    /// Dollars for a million tokens.
    prices: Prices,
}

impl ProviderStatus {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns calls and failures since start, and the calls under way.
    pub(crate) fn counts(&self) -> (u64, u64, u32) {
        (self.calls, self.failures, self.in_flight)
    }
}

impl Providers {
    /// Returns how every provider is doing.
    pub(crate) fn statuses(&self, now: Instant) -> Vec<ProviderStatus> {
        self.iter().map(|provider| provider.status(now)).collect()
    }
}

impl Provider {
    fn status(&self, now: Instant) -> ProviderStatus {
        let record = self.record().clone();
        let availability = self.availability(now);
        ProviderStatus {
            name: self.name.clone(),
            base_url: self.upstream.base().to_string(),
            model: self.model.clone(),
            available: availability.is_now(),
            retry_after: availability.wait().map(|wait| wait.as_secs_f64()),
            circuit_breaker: self.breaker.status(),
            in_flight: self.gate.in_use(),
            waiting: self.gate.waiting(),
            max_concurrency: self.gate.limit(),
            calls: record.calls(),
            failures: record.failures(),
            error_rate: (record.calls() > 0).then(|| record.error_rate(now)),
            latency: record.latency().map(|latency| latency.as_secs_f64() * 1e3),
            last_failure: record.last_failure(),
            prices: self.prices,
        }
    }
}

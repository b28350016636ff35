//! What the service's own parts show of themselves in the hub.

use std::fmt;

use prometheus_client::{
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};
use tooloo_hub::Observe;

use crate::{
    burst::Bursts,
    provider::{Providers, status::ProviderStatus},
    single_flight::SingleFlightSnapshot,
};

/// Shows how often the same prompt was asked together.
#[derive(Debug)]
pub(crate) struct DeduplicatorHandle(pub(crate) Bursts);

/// Shows how the providers are doing.
#[derive(Debug)]
pub(crate) struct ProvidersHandle(pub(crate) Providers);

impl Observe for DeduplicatorHandle {
    type Snapshot = SingleFlightSnapshot;

    fn snapshot(&self) -> SingleFlightSnapshot {
        self.0.snapshot()
    }

    fn encode(&self, mut metrics: DescriptorEncoder<'_>) -> fmt::Result {
        let figures = self.0.snapshot();
        let in_flight = i64::try_from(figures.in_flight).unwrap_or(i64::MAX);
        let gauge = ConstGauge::new(in_flight);
        let help = "Different prompts being asked now";
        gauge.encode(metrics.encode_descriptor(
            "budget_prompts_in_flight",
            help,
            None,
            MetricType::Gauge,
        )?)?;
        let counter = ConstCounter::new(figures.coalesced);
        let help = "Requests answered by a prompt already in flight";
        counter.encode(metrics.encode_descriptor(
            "budget_prompts_coalesced",
            help,
            None,
            MetricType::Counter,
        )?)
    }
}

impl Observe for ProvidersHandle {
    type Snapshot = Vec<ProviderStatus>;

    fn snapshot(&self) -> Vec<ProviderStatus> {
        self.0.statuses(tooloo_clock::now())
    }

    fn encode(&self, mut metrics: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.snapshot();
        let help = "Calls made to the provider";
        family(&mut metrics, "budget_provider_calls", help, &all, |one| {
            one.counts().0
        })?;
        let help = "Calls to the provider that failed";
        family(
            &mut metrics,
            "budget_provider_failures",
            help,
            &all,
            |one| one.counts().1,
        )
    }
}

/// Writes one counter for each provider.
fn family(
    metrics: &mut DescriptorEncoder<'_>,
    name: &'static str,
    help: &'static str,
    providers: &[ProviderStatus],
    count: impl Fn(&ProviderStatus) -> u64,
) -> fmt::Result {
    let mut family = metrics.encode_descriptor(name, help, None, MetricType::Counter)?;
    for provider in providers {
        let labels = [("provider", provider.name())];
        ConstCounter::new(count(provider)).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

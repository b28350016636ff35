//! The service's own settings.

use std::{num::NonZeroU32, time::Duration};

use serde::Deserialize;
use tooloo_cache::CacheConfig;
use tooloo_circuit_breaker::CircuitBreakerConfig;
use tooloo_rate_limit::{Quota, RateLimitConfig, SharedConfig, Tier};
use tooloo_service::duration;

use crate::{
    clients::ClientsConfig,
    cohort::Cohorts,
    criticality::{Criticality, Shares},
    money::Money,
    provider::config::ProviderList,
};

/// Settings of the budget service, in the table `[budget]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BudgetConfig {
    /// Dollars that may be spent a day, UTC.
    pub daily_limit: Money,
    /// The part of it that each criticality may use, in percent.
    pub shares: Shares,
    /// The criticality of calls that do not name one.
    pub criticality: Criticality,
    /// The providers; the fleet's simulated one unless told otherwise.
    pub providers: ProviderList,
    /// When a provider's breaker opens and closes, for those that have no `circuit_breaker` of their own: after
    /// five failures in a row, or where half of the last 100 calls failed; for ten seconds at first.
    ///
    /// A table here stands for all of it: what it leaves out is as the layer has it by default.
    pub circuit_breaker: CircuitBreakerConfig,
    /// How often each client may ask for a burst, answered from a call in flight or not: 50 times a second
    /// and 500 at once unless told otherwise.
    pub rate_limit: RateLimitConfig,
    /// How those quotas are kept in the Redis of `redis_url`, and what happens while it is away.
    pub rate_limit_store: SharedConfig,
    /// Who counts as one client.
    pub clients: ClientsConfig,
    /// The most calls to providers at once, over all of them.
    pub max_concurrency: NonZeroU32,
    /// The most calls that wait for a provider, and the most that wait for each.
    pub max_waiting: u32,
    /// How long a burst may take, waiting and failover included.
    ///
    /// It is cut to what a drain leaves for calls that run, so that every one of them is booked:
    /// `drain_deadline` less `drain_grace`, less four seconds or half of it, whichever is shorter,
    /// for booking and for the services of a fleet that end afterwards.
    #[serde(with = "duration")]
    pub deadline: Duration,
    /// The longest prompt, in bytes.
    pub max_prompt_bytes: NonZeroU32,
    /// The most tokens that a provider may answer with.
    pub max_output_tokens: NonZeroU32,
    /// The longest time that an answer may be asked to be kept.
    #[serde(with = "duration")]
    pub max_ttl: Duration,
    /// How long an answer is kept where its asker does not say; zero keeps those alone whose askers do.
    #[serde(deserialize_with = "duration::or_zero")]
    pub usual_ttl: Duration,
    /// For how long after that it is given where no provider answers.
    #[serde(deserialize_with = "duration::or_zero")]
    pub stale_for: Duration,
    /// How much memory answers may take, and what else a cache can be told; the times above outrank its own.
    pub cache: CacheConfig,
    /// How many bytes of answers are kept on disk, over restarts: none, or 16 MiB at least.
    pub cache_disk_bytes: u64,
    /// The most listeners to the real-time figures.
    pub max_subscribers: u32,
    /// How many days' totals are kept.
    pub history_days: NonZeroU32,
    /// How many lines of the ledger are kept.
    pub history_entries: NonZeroU32,
    /// The most cohorts whose spending is kept apart.
    pub max_cohorts: NonZeroU32,
    /// What cohorts may spend.
    pub cohorts: Cohorts,
    /// Whether the service, run alone, starts the simulated provider that it is set to use.
    pub simulator: bool,
}

impl Default for BudgetConfig {
    fn default() -> Self {
        Self {
            daily_limit: Money::from_micros(10_000_000),
            shares: Shares::default(),
            criticality: Criticality::default(),
            providers: ProviderList::default(),
            circuit_breaker: CircuitBreakerConfig::new()
                .with_consecutive_failures(count::<5>())
                .with_open_for(Duration::from_secs(10)),
            rate_limit: usual_limit(),
            rate_limit_store: SharedConfig::default(),
            clients: ClientsConfig::default(),
            max_concurrency: count::<16>(),
            max_waiting: 256,
            deadline: Duration::from_secs(15),
            max_prompt_bytes: count::<32_768>(),
            max_output_tokens: count::<512>(),
            max_ttl: Duration::from_secs(86_400),
            usual_ttl: Duration::from_secs(300),
            stale_for: Duration::from_secs(86_400),
            cache: CacheConfig::default(),
            cache_disk_bytes: 256 << 20,
            max_subscribers: 64,
            history_days: count::<400>(),
            history_entries: count::<100_000>(),
            max_cohorts: count::<1_000>(),
            cohorts: Cohorts::default(),
            simulator: true,
        }
    }
}

fn usual_limit() -> RateLimitConfig {
    let quota = Quota::per_second(count::<50>()).with_burst(count::<500>());
    let tier = Tier::new("burst", quota).expect("a word can stand in a header");
    let limits = RateLimitConfig::new(quota).with_tiers([tier]);
    limits.expect("one tier is no more than there may be")
}

const fn count<const N: u32>() -> NonZeroU32 {
    const { NonZeroU32::new(N).expect("a count is above zero") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_bad_value_and_an_unknown_key_and_names_them() {
        for (json, complaint) in [
            (r#"{"daily_limit": -1}"#, "-1 is not an amount"),
            (r#"{"max_concurrency": 0}"#, "nonzero"),
            (r#"{"deadline": "0s"}"#, "above zero"),
            (r#"{"criticality": "urgent"}"#, "one of low, normal"),
            (r#"{"rate_limit": {"tiers": []}}"#, "tier"),
            (r#"{"circuit_breaker": {"failure_rate": 2}}"#, "a rate lies"),
            (r#"{"clients": {"trusted_proxies": ["here"]}}"#, "invalid"),
            (r#"{"dayly_limit": 1}"#, "dayly_limit"),
        ] {
            let error = serde_json::from_str::<BudgetConfig>(json).unwrap_err();
            assert!(error.to_string().contains(complaint), "{json}: {error}");
        }
    }
}

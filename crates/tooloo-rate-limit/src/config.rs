//! Validated settings.

mod error;
pub(crate) mod period;
mod policies;
mod quota;
mod tier;

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

pub use self::{
    error::ConfigError,
    policies::{PoliciesConfig, RouteConfig},
    quota::Quota,
    tier::{Scope, Tier},
};

/// Tiers that one limiter may have.
const MAX_TIERS: usize = 8;

/// What a limiter allows, and what it may hold.
///
/// ```
/// use std::num::NonZeroU32;
///
/// use tooloo_rate_limit::{Quota, RateLimitConfig};
///
/// let per_client = Quota::per_second(NonZeroU32::new(100).unwrap());
/// let config = RateLimitConfig::new(per_client.with_burst(NonZeroU32::new(1000).unwrap()));
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(try_from = "Raw", into = "Raw")]
#[non_exhaustive]
pub struct RateLimitConfig {
    pub(crate) tiers: Vec<Tier>,
    pub(crate) max_keys: NonZeroUsize,
    pub(crate) max_waiting: usize,
    pub(crate) max_waiting_per_key: usize,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    tiers: Vec<Tier>,
    #[serde(default = "max_keys")]
    max_keys: NonZeroUsize,
    #[serde(default = "max_waiting")]
    max_waiting: usize,
    #[serde(default = "max_waiting_per_key")]
    max_waiting_per_key: usize,
}

impl RateLimitConfig {
    /// Allows each key `quota`, in a tier called `default`.
    pub fn new(quota: Quota) -> Self {
        Self {
            tiers: vec![Tier::first(quota)],
            max_keys: max_keys(),
            max_waiting: max_waiting(),
            max_waiting_per_key: max_waiting_per_key(),
        }
    }

    /// Allows what all of `tiers` allow: a request is charged to each of them, or to none.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] where there is no tier, more than eight, or two of one name.
    pub fn with_tiers(
        mut self,
        tiers: impl IntoIterator<Item = Tier>,
    ) -> Result<Self, ConfigError> {
        self.tiers = tiers.into_iter().collect();
        self.validate()
    }

    /// Adds one tier to those there are.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] where there are eight already, or one of that name.
    pub fn with_tier(mut self, tier: Tier) -> Result<Self, ConfigError> {
        self.tiers.push(tier);
        self.validate()
    }

    /// Keeps at most this many keys apart, and lets all others share one quota; 100,000 by default.
    #[must_use]
    pub fn with_max_keys(mut self, keys: NonZeroUsize) -> Self {
        self.max_keys = keys;
        self
    }

    /// Lets at most this many requests wait, in all and of one key; 10,000 and 1,000 by default.
    #[must_use]
    pub fn with_max_waiting(mut self, in_all: usize, per_key: usize) -> Self {
        self.max_waiting = in_all;
        self.max_waiting_per_key = per_key;
        self
    }

    /// Returns the tiers.
    pub fn tiers(&self) -> &[Tier] {
        &self.tiers
    }

    fn validate(self) -> Result<Self, ConfigError> {
        if self.tiers.is_empty() || self.tiers.len() > MAX_TIERS {
            return Err(ConfigError::Tiers(self.tiers.len()));
        }
        for (index, tier) in self.tiers.iter().enumerate() {
            if self.tiers[..index]
                .iter()
                .any(|other| other.name() == tier.name())
            {
                return Err(ConfigError::TwiceNamed(tier.name().to_owned()));
            }
        }
        Ok(self)
    }
}

impl TryFrom<Raw> for RateLimitConfig {
    type Error = ConfigError;

    fn try_from(raw: Raw) -> Result<Self, ConfigError> {
        Self {
            tiers: raw.tiers,
            max_keys: raw.max_keys,
            max_waiting: raw.max_waiting,
            max_waiting_per_key: raw.max_waiting_per_key,
        }
        .validate()
    }
}

impl From<RateLimitConfig> for Raw {
    fn from(config: RateLimitConfig) -> Self {
        Self {
            tiers: config.tiers,
            max_keys: config.max_keys,
            max_waiting: config.max_waiting,
            max_waiting_per_key: config.max_waiting_per_key,
        }
    }
}

const fn max_keys() -> NonZeroUsize {
    NonZeroUsize::new(100_000).expect("100,000 is not zero")
}

const fn max_waiting() -> usize {
    10_000
}

const fn max_waiting_per_key() -> usize {
    1_000
}

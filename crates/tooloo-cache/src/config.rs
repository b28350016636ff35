//! Validated settings.

mod amount;
pub(crate) mod duration;
mod memory;
mod stale;
#[cfg(test)]
mod tests;

use std::{num::NonZeroUsize, time::Duration};

use serde::Deserialize;

pub(crate) use self::amount::Eagerness;
use self::amount::Jitter;
pub use self::memory::MemoryConfig;
use crate::{ConfigError, Rule};

/// The most rules of one cache.
const MAX_RULES: usize = 1024;

/// How much a cache keeps, for how long, and what it does about stale entries.
///
/// Reads from any serde format; what is left out has its default, what is unknown or out of range is
/// an error that names it:
///
/// ```
/// # use tooloo_cache::CacheConfig;
/// let config: CacheConfig = toml::from_str(r#"
///     ttl = "5m"
///     idle_for = "1h"
///     jitter = 0.1
///     stale_while_revalidate = "30s"
///     stale_if_error = "1h"
///     early_refresh = 1.0
///     negative_ttl = "10s"
///     memory = { max_bytes = 67108864 }
///     rules = [{ on = { tag = "user:7" }, purge = { tag = "orders:7" } }]
/// "#)?;
/// # drop(config);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CacheConfig {
    pub(crate) memory: MemoryConfig,
    #[serde(with = "duration::optional")]
    pub(crate) ttl: Option<Duration>,
    #[serde(with = "duration::optional")]
    pub(crate) idle_for: Option<Duration>,
    pub(crate) jitter: Jitter,
    #[serde(with = "duration::maybe_zero")]
    pub(crate) stale_while_revalidate: Duration,
    #[serde(with = "duration::maybe_zero")]
    pub(crate) stale_if_error: Duration,
    pub(crate) early_refresh: Option<Eagerness>,
    #[serde(with = "duration")]
    pub(crate) negative_ttl: Duration,
    #[serde(with = "duration")]
    pub(crate) retry_after: Duration,
    #[serde(with = "duration")]
    pub(crate) pass_for: Duration,
    #[serde(with = "duration")]
    pub(crate) fill_timeout: Duration,
    #[serde(with = "duration")]
    pub(crate) follow_for: Duration,
    pub(crate) max_fills: NonZeroUsize,
    pub(crate) max_refreshes: NonZeroUsize,
    pub(crate) max_tags: usize,
    pub(crate) max_tag_length: usize,
    pub(crate) max_purges: NonZeroUsize,
    #[serde(with = "duration")]
    pub(crate) sweep_every: Duration,
    #[serde(deserialize_with = "rules")]
    pub(crate) rules: Vec<Rule>,
    #[serde(skip)]
    pub(crate) seed: Option<u64>,
}

impl CacheConfig {
    /// Keeps entries until they make room for others, at most 64 MiB of them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bounds the memory.
    #[must_use]
    pub fn with_memory(mut self, memory: MemoryConfig) -> Self {
        self.memory = memory;
        self
    }

    /// Keeps an entry fresh for this long; for ever by default.
    #[must_use]
    pub fn with_ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.ttl = ttl.into();
        self
    }

    /// Drops an entry that has not been used for this long; never by default.
    ///
    /// What counts is its use in this process: an entry that comes from a tier below begins anew.
    #[must_use]
    pub fn with_idle_for(mut self, idle_for: impl Into<Option<Duration>>) -> Self {
        self.idle_for = idle_for.into();
        self
    }

    /// Shortens each time to live by a random part of it, up to this one, so that what was stored at once
    /// does not expire at once; not by default.
    ///
    /// # Errors
    ///
    /// Refuses what is not from 0 to 1.
    pub fn with_jitter(mut self, jitter: f64) -> Result<Self, ConfigError> {
        self.jitter = Jitter::try_from(jitter)?;
        Ok(self)
    }

    /// Keeps a [negative](crate::EntryOptions::negative) entry fresh for this long; 10 seconds by default.
    #[must_use]
    pub fn with_negative_ttl(mut self, ttl: Duration) -> Self {
        self.negative_ttl = ttl;
        self
    }

    /// Remembers for this long that what fills a key is not to be stored, so that its askers do not wait
    /// for one another; 2 minutes by default.
    #[must_use]
    pub fn with_pass_for(mut self, pass_for: Duration) -> Self {
        self.pass_for = pass_for;
        self
    }

    /// Gives a fill up after this long; 30 seconds by default.
    #[must_use]
    pub fn with_fill_timeout(mut self, timeout: Duration) -> Self {
        self.fill_timeout = timeout;
        self
    }

    /// Lets an asker wait for another's fill for this long before it fills by itself; 30 seconds by default.
    #[must_use]
    pub fn with_follow_for(mut self, follow_for: Duration) -> Self {
        self.follow_for = follow_for;
        self
    }

    /// Coalesces the askers of this many keys at once; 10,000 by default. Beyond, each asker fills for itself.
    #[must_use]
    pub fn with_max_fills(mut self, fills: NonZeroUsize) -> Self {
        self.max_fills = fills;
        self
    }

    /// Stores entries with so many tags and groups at most, of so many bytes each; 64 of 256 by default.
    ///
    /// An entry with more or longer ones is not stored: a purge could not be sure to reach it.
    #[must_use]
    pub fn with_max_tags(mut self, tags: usize, length: usize) -> Self {
        self.max_tags = tags;
        self.max_tag_length = length;
        self
    }

    /// Remembers so many purges of different targets; 10,000 by default.
    ///
    /// Beyond, the oldest is forgotten, and with it the entries of any target of its kind from before it.
    #[must_use]
    pub fn with_max_purges(mut self, purges: NonZeroUsize) -> Self {
        self.max_purges = purges;
        self
    }

    /// Drops what is expired or purged from memory and disk this often; every minute by default.
    ///
    /// Nothing that is expired or purged is ever served: this is for the room it takes.
    #[must_use]
    pub fn with_sweep_every(mut self, period: Duration) -> Self {
        self.sweep_every = period;
        self
    }

    /// Purges more than was asked for, by rules; none by default.
    ///
    /// # Errors
    ///
    /// Refuses more than 1024 rules.
    pub fn with_rules(
        mut self,
        rules: impl IntoIterator<Item = Rule>,
    ) -> Result<Self, ConfigError> {
        self.rules = bounded(rules.into_iter().collect())?;
        Ok(self)
    }

    /// Draws jitter and early refreshes from this seed, so that they can be told beforehand.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
}

impl Default for CacheConfig {
    fn default() -> Self {
        const fn at_most(number: usize) -> NonZeroUsize {
            NonZeroUsize::new(number).expect("a bound is above zero")
        }
        Self {
            memory: MemoryConfig::default(),
            ttl: None,
            idle_for: None,
            jitter: Jitter::default(),
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            early_refresh: None,
            negative_ttl: Duration::from_secs(10),
            retry_after: Duration::from_secs(1),
            pass_for: Duration::from_secs(120),
            fill_timeout: Duration::from_secs(30),
            follow_for: Duration::from_secs(30),
            max_fills: at_most(10_000),
            max_refreshes: at_most(64),
            max_tags: 64,
            max_tag_length: 256,
            max_purges: at_most(10_000),
            sweep_every: Duration::from_secs(60),
            rules: Vec::new(),
            seed: None,
        }
    }
}

fn bounded(rules: Vec<Rule>) -> Result<Vec<Rule>, ConfigError> {
    match rules.len() {
        0..=MAX_RULES => Ok(rules),
        more => Err(ConfigError::Rules(more)),
    }
}

fn rules<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Rule>, D::Error> {
    bounded(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
}

//! Where shared quotas are kept.

#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::{error, fmt, time::Duration};

use futures_util::future::BoxFuture;
use tooloo_key::Key;

use crate::Tier;

/// A store of quotas that several processes share.
pub trait QuotaStore: fmt::Debug + Send + Sync + 'static {
    /// Spends as many of `key`'s tokens as `demand` asks for, in every tier or in none, atomically.
    ///
    /// The future is dropped where the store takes too long; whether it spent is then unknown.
    fn spend<'a>(
        &'a self,
        key: &'a Key,
        tiers: &'a [Tier],
        demand: Demand,
    ) -> BoxFuture<'a, Result<Grant, StoreError>>;
}

/// How many tokens are asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Demand {
    /// Fewer are of no use.
    pub at_least: u32,
    /// More are not needed.
    pub at_most: u32,
    /// Tokens from before that were not needed.
    pub give_back: u32,
}

/// What a store gave.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Grant {
    /// Tokens that are spent now: none, or as many as were asked for.
    pub tokens: u32,
    /// How long until there will be as many as were asked for at least.
    pub wait: Duration,
    /// Each tier's time until it is full again, in order.
    pub full_in: Vec<Duration>,
}

/// A store could not be asked, or its answer made no sense.
#[derive(Debug)]
pub struct StoreError {
    source: Box<dyn error::Error + Send + Sync>,
}

impl StoreError {
    /// Keeps what the store's client said.
    pub fn new(source: impl Into<Box<dyn error::Error + Send + Sync>>) -> Self {
        Self {
            source: source.into(),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store of shared quotas failed")
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&*self.source)
    }
}

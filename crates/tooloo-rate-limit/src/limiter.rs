//! The limiter itself: quotas without HTTP.

use std::{num::NonZeroU32, sync::Arc};

use tooloo_clock::Instant;
use tooloo_key::Key;

use crate::{
    KeysFull, Quota, RateLimitConfig, RateLimitHandle, RateLimited, Standing, Tier, engine::Engine,
    future::Acquire,
};

/// Decides whether a key may act now.
///
/// Clones draw on the same buckets. A key's bucket is full when it is first seen.
///
/// ```
/// use std::num::NonZeroU32;
///
/// use tooloo_key::Key;
/// use tooloo_rate_limit::{Quota, RateLimitConfig, RateLimiter};
///
/// let quota = Quota::per_minute(NonZeroU32::new(2).unwrap());
/// let limiter = RateLimiter::new(RateLimitConfig::new(quota));
/// let ada = Key::from("ada");
/// assert!(limiter.check(&ada).is_ok());
/// assert!(limiter.check(&ada).is_ok());
///
/// let refused = limiter.check(&ada).unwrap_err();
/// assert_eq!(refused.retry_after().unwrap().as_secs_f64().ceil(), 30.0);
/// assert!(limiter.check(&Key::from("bob")).is_ok());
/// ```
#[derive(Clone, Debug)]
pub struct RateLimiter {
    engine: Arc<Engine>,
}

impl RateLimiter {
    /// Creates a limiter.
    pub fn new(config: RateLimitConfig) -> Self {
        Self {
            engine: Engine::new(config),
        }
    }

    /// Spends one token of `key`'s.
    ///
    /// # Errors
    ///
    /// Returns [`RateLimited`], and spends nothing, where there is none, or where others wait for it.
    #[inline]
    pub fn check(&self, key: &Key) -> Result<(), RateLimited> {
        self.engine.spend(key, 1)
    }

    /// Spends `cost` tokens of `key`'s.
    ///
    /// # Errors
    ///
    /// Returns [`RateLimited`], and spends nothing, where there are not as many.
    #[inline]
    pub fn check_cost(&self, key: &Key, cost: NonZeroU32) -> Result<(), RateLimited> {
        self.engine.spend(key, cost.get().into())
    }

    /// Spends one token of `key`'s as soon as there is one, at `deadline` at the latest.
    ///
    /// See [`acquire_cost`](Self::acquire_cost).
    pub fn acquire(&self, key: &Key, deadline: Instant) -> Acquire {
        self.acquire_cost(key, NonZeroU32::MIN, deadline)
    }

    /// Spends `cost` tokens of `key`'s as soon as there are as many, at `deadline` at the latest.
    ///
    /// Requests of one key are served in the order in which they began to wait; keys that wait for a
    /// shared tier take turns. Dropping the future gives up its place, and delays nobody.
    ///
    /// # Errors
    ///
    /// Returns [`RateLimited`], and has spent nothing, where the deadline comes first, at once where
    /// that is certain, or where too many wait.
    ///
    /// # Panics
    ///
    /// The future panics outside of a tokio runtime with a timer, where it has to wait.
    pub fn acquire_cost(&self, key: &Key, cost: NonZeroU32, deadline: Instant) -> Acquire {
        Acquire::new(
            Arc::clone(&self.engine),
            key.clone(),
            cost.get().into(),
            deadline,
        )
    }

    /// Gives `cost` tokens back to `key`, which it was charged for nothing, in every tier.
    pub fn refund(&self, key: &Key, cost: NonZeroU32) {
        self.engine.refund(key, cost.get().into());
    }

    /// Gives `key` a quota of its own instead of everyone's, in one tier.
    ///
    /// As many tokens as the key has spent stay spent. Shared tiers still count. The key is held in
    /// memory until [`clear_limit`](Self::clear_limit).
    ///
    /// # Errors
    ///
    /// Returns [`KeysFull`] where the limiter holds as many keys as it may, and not this one.
    pub fn set_limit(&self, key: &Key, quota: Quota) -> Result<(), KeysFull> {
        self.set_tiers(key, &[Tier::first(quota)])
    }

    /// Gives `key` tiers of its own instead of everyone's; shared ones among them are passed over.
    ///
    /// See [`set_limit`](Self::set_limit). No tiers at all lift every limit but the shared ones.
    ///
    /// # Errors
    ///
    /// Returns [`KeysFull`] where the limiter holds as many keys as it may, and not this one.
    pub fn set_tiers(&self, key: &Key, tiers: &[Tier]) -> Result<(), KeysFull> {
        self.engine.set_tiers(key, Some(tiers))
    }

    /// Gives `key` everyone's quota again; as many tokens as it has spent stay spent.
    pub fn clear_limit(&self, key: &Key) {
        // A key that finds no room has no quota of its own.
        let _ = self.engine.set_tiers(key, None);
    }

    /// Fills `key`'s own bucket; a quota that was set for it stays, and so do shared tiers.
    pub fn reset(&self, key: &Key) {
        self.engine.reset(key);
    }

    /// Returns how `key` stands in each tier, and spends nothing.
    pub fn peek(&self, key: &Key) -> Vec<Standing> {
        self.engine.standings(key)
    }

    /// Goes on under other settings, at once and for all clones.
    ///
    /// As many tokens as were spent stay spent, in each tier of the same name, or where there was one
    /// tier and is one. Quotas that were set for single keys stay.
    pub fn reload(&self, config: RateLimitConfig) {
        self.engine.reload(config);
    }

    /// Forgets every key whose bucket is full again, and returns how many.
    ///
    /// New keys do this a little at a time; a program that has become quiet can do it all at once.
    pub fn evict_idle(&self) -> usize {
        self.engine.evict_idle()
    }

    /// Returns the tiers of every key that has none of its own.
    pub fn tiers(&self) -> Arc<[Tier]> {
        self.engine.tiers()
    }

    /// Returns a read-only view, to keep when the limiter moves into a stack.
    pub fn handle(&self) -> RateLimitHandle {
        RateLimitHandle::new(self.clone())
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }
}

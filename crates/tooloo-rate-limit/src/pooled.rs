//! Quotas that several processes share.

mod config;
mod fuse;
mod lease;
mod route;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use tokio::time::timeout;
use tooloo_clock::Moment;
use tooloo_key::Key;

pub use self::config::{Outage, SharedConfig};
pub(crate) use self::route::{RouteStore, Sharing};
use self::{fuse::Fuse, lease::Leases};
use crate::{
    RateLimitConfig, RateLimitHandle, RateLimited, RateLimiter, Refusal, Standing,
    backend::{Demand, Grant, QuotaStore},
};

/// Decides whether a key may act now, by quotas in a store that several processes share.
///
/// Clones share everything. While the store is away the limiter does what its [`Outage`] says, and
/// asks again now and then; nothing has to be restarted.
#[derive(Clone, Debug)]
pub struct SharedRateLimiter {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Arc<dyn QuotaStore>,
    config: SharedConfig,
    // Counts, and decides while the store is away.
    local: RateLimiter,
    leases: Leases,
    fuse: Fuse,
}

/// What was decided, and how the key stands, where that is known.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) result: Result<(), RateLimited>,
    pub(crate) standings: Vec<Standing>,
}

impl SharedRateLimiter {
    /// Creates a limiter over `store`.
    pub fn new(store: impl QuotaStore, limits: RateLimitConfig, config: SharedConfig) -> Self {
        let leases = Leases::new(limits.max_keys.get());
        Self {
            inner: Arc::new(Inner {
                store: Arc::new(store),
                config,
                local: RateLimiter::new(limits),
                leases,
                fuse: Fuse::default(),
            }),
        }
    }

    /// Spends one token of `key`'s.
    ///
    /// # Errors
    ///
    /// Returns [`RateLimited`], and spends nothing, where there is none; while the store is away, as
    /// the [`Outage`] policy says.
    pub async fn check(&self, key: &Key) -> Result<(), RateLimited> {
        self.check_cost(key, NonZeroU32::MIN).await
    }

    /// Spends `cost` tokens of `key`'s.
    ///
    /// # Errors
    ///
    /// See [`check`](Self::check).
    pub async fn check_cost(&self, key: &Key, cost: NonZeroU32) -> Result<(), RateLimited> {
        self.ask(key, cost).await.result
    }

    /// Whether the store failed of late, and is not asked at the moment.
    pub fn is_store_away(&self) -> bool {
        self.inner.fuse.is_blown(tooloo_clock::coarse())
    }

    /// Returns a read-only view of what this process decided.
    pub fn handle(&self) -> RateLimitHandle {
        RateLimitHandle::of_shared(self.clone())
    }

    /// Returns the limiter that decides while the store is away.
    pub(crate) fn local(&self) -> &RateLimiter {
        &self.inner.local
    }

    pub(crate) async fn ask(&self, key: &Key, cost: NonZeroU32) -> Answer {
        let inner = &*self.inner;
        let now = tooloo_clock::coarse();
        let cost = cost.get();
        // Its own, where a quota was set for it.
        let own = inner.local.peek(key).into_iter();
        let tiers: Vec<_> = own.map(|standing| standing.tier).collect();
        let most = tiers.iter().map(|tier| tier.quota().burst().get()).min();
        if most.is_some_and(|most| cost > most) {
            return inner.counted(key, Err(RateLimited::for_ever()), Vec::new());
        }
        if let Some(standings) = inner.leases.take(key, cost, now) {
            return inner.counted(key, Ok(()), standings);
        }
        if !inner.fuse.lets_through(now) {
            return inner.without_store(key, cost, now);
        }
        let demand = Demand {
            at_least: cost,
            at_most: cost.max(inner.config.batch().min(most.unwrap_or(cost))),
            give_back: inner.leases.end(key, now),
        };
        let asked = inner.store.spend(key, &tiers, demand);
        let Ok(Ok(grant)) = timeout(inner.config.deadline(), asked).await else {
            let now = Moment::exact();
            inner.fuse.fail(now);
            return inner.without_store(key, cost, now);
        };
        inner.fuse.succeed();
        let standings = standings(&tiers, &grant);
        if grant.tokens < cost {
            let refusal = RateLimited::after(Refusal::QuotaSpent, grant.wait);
            return inner.counted(key, Err(refusal), standings);
        }
        let until = Moment::exact() + config::LEASE;
        let rest = grant.tokens - cost;
        let standings = inner.leases.begin(key, rest, until, standings);
        inner.counted(key, Ok(()), standings)
    }
}

impl Inner {
    fn without_store(&self, key: &Key, cost: u32, now: Moment) -> Answer {
        match self.config.outage() {
            Outage::Open => self.counted(key, Ok(()), Vec::new()),
            Outage::Closed => {
                let wait = self.fuse.wait(now).max(Duration::from_secs(1));
                let refusal = RateLimited::after(Refusal::StoreAway, wait);
                self.counted(key, Err(refusal), Vec::new())
            }
            Outage::Local => Answer {
                result: self.local.engine().spend(key, cost.into()),
                standings: self.local.peek(key),
            },
        }
    }

    fn counted(
        &self,
        key: &Key,
        result: Result<(), RateLimited>,
        standings: Vec<Standing>,
    ) -> Answer {
        self.local.engine().note(key, &result);
        Answer { result, standings }
    }
}

fn standings(tiers: &[crate::Tier], grant: &Grant) -> Vec<Standing> {
    let standings = tiers.iter().zip(&grant.full_in).map(|(tier, full_in)| {
        let quota = tier.quota();
        let (limit, period) = (u128::from(quota.limit().get()), quota.period().as_nanos());
        let owed = full_in.as_nanos() * limit;
        let capacity = u128::from(quota.burst().get()) * period;
        let remaining = capacity.saturating_sub(owed) / period;
        Standing::new(tier, u64::try_from(remaining).unwrap_or(u64::MAX), *full_in)
    });
    standings.collect()
}

#[cfg(test)]
mod tests;

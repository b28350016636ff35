//! Putting a cache together.

use std::{
    fmt,
    sync::{Arc, Weak},
};

use crate::{
    Backplane, Cache, CacheConfig, CacheKey, Inbound, Shallow, Tier, Weigh, inbound, inner::Inner,
    sweep,
};

/// Puts a cache together: its settings, its weigher, its tiers.
#[must_use]
pub struct CacheBuilder<K, V> {
    config: CacheConfig,
    weigh: Box<dyn Weigh<K, V>>,
    tiers: Vec<Arc<dyn Tier<K, V>>>,
    backplane: Option<Arc<dyn Backplane>>,
}

impl<K: CacheKey, V: Send + Sync + 'static> CacheBuilder<K, V> {
    pub(crate) fn new(config: CacheConfig) -> Self {
        Self {
            config,
            weigh: Box::new(Shallow),
            tiers: Vec::new(),
            backplane: None,
        }
    }

    /// Tells the size and weight of entries; the size of key and value themselves by default.
    pub fn with_weigher(mut self, weigh: impl Weigh<K, V>) -> Self {
        self.weigh = Box::new(weigh);
        self
    }

    /// Adds a tier below those there are.
    pub fn with_tier(mut self, tier: impl Tier<K, V>) -> Self {
        self.tiers.push(Arc::new(tier));
        self
    }

    /// Joins the caches that share this backplane.
    pub fn with_backplane(mut self, backplane: impl Backplane) -> Self {
        self.backplane = Some(Arc::new(backplane));
        self
    }

    /// Creates the cache.
    ///
    /// Inside a tokio runtime it starts to sweep every now and then, until the last clone is dropped; outside of
    /// one, [`compact`](Cache::compact) does that.
    pub fn build(self) -> Cache<K, V> {
        let (inner, unpublished) = Inner::new(self.config, self.weigh, self.tiers, self.backplane);
        let inner = Arc::new(inner);
        if let Some(backplane) = &inner.backplane {
            let inbound: Weak<dyn Inbound> = Arc::downgrade(&inner) as _;
            backplane.start(inbound);
            inbound::publish_again(&inner, backplane, unpublished);
        }
        sweep::start(&inner);
        Cache::from_inner(inner)
    }
}

impl<K, V> fmt::Debug for CacheBuilder<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheBuilder")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

//! How much of the pool each tenant has.

use std::collections::HashMap;

use tooloo_key::Key;

use crate::config::Share;

/// What the tenants hold and wait for; one that does neither is forgotten, so that there are never more than
/// connections and waiters.
#[derive(Debug)]
pub(crate) struct Tenants {
    share: Option<Share>,
    has: HashMap<Key, Has, ahash::RandomState>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Has {
    leased: usize,
    waiting: usize,
}

impl Tenants {
    pub(crate) fn new(share: Option<Share>) -> Self {
        Self {
            share,
            has: HashMap::default(),
        }
    }

    /// Returns whether some waiters may have to let others go first.
    #[inline]
    pub(crate) fn are_limited(&self) -> bool {
        self.share.is_some()
    }

    /// Returns whether a tenant may have one more connection of `max`.
    #[inline]
    pub(crate) fn may_lease(&self, tenant: Option<&Key>, max: usize) -> bool {
        self.below(tenant, max, |has| has.leased)
    }

    /// Returns whether a tenant may have one more place of `max` in the queue.
    #[inline]
    pub(crate) fn may_wait(&self, tenant: Option<&Key>, max: usize) -> bool {
        self.below(tenant, max, |has| has.waiting)
    }

    #[inline]
    pub(crate) fn lease(&mut self, tenant: Option<&Key>) {
        self.change(tenant, |has| has.leased += 1);
    }

    #[inline]
    pub(crate) fn give_back(&mut self, tenant: Option<&Key>) {
        self.change(tenant, |has| has.leased -= 1);
    }

    #[inline]
    pub(crate) fn wait(&mut self, tenant: Option<&Key>) {
        self.change(tenant, |has| has.waiting += 1);
    }

    #[inline]
    pub(crate) fn wait_no_more(&mut self, tenant: Option<&Key>) {
        self.change(tenant, |has| has.waiting -= 1);
    }

    /// Returns how many waiters must let others go first, since their tenants have all of `max` they may.
    #[inline]
    pub(crate) fn held_up(&self, max: usize) -> usize {
        let Some(share) = self.share else {
            return 0;
        };
        let most = share.of(max);
        let held_up = |has: &Has| has.waiting.saturating_sub(most.saturating_sub(has.leased));
        self.has.values().map(held_up).sum()
    }

    #[inline]
    fn below(&self, tenant: Option<&Key>, max: usize, part: impl Fn(&Has) -> usize) -> bool {
        match (self.share, tenant) {
            (Some(share), Some(tenant)) => self.has.get(tenant).map_or(0, part) < share.of(max),
            _ => true,
        }
    }

    #[inline]
    fn change(&mut self, tenant: Option<&Key>, change: impl FnOnce(&mut Has)) {
        if let (Some(_), Some(tenant)) = (self.share, tenant) {
            self.change_of(tenant, change);
        }
    }

    #[cold]
    fn change_of(&mut self, tenant: &Key, change: impl FnOnce(&mut Has)) {
        let has = self.has.entry(tenant.clone()).or_default();
        change(has);
        if has.leased == 0 && has.waiting == 0 {
            self.has.remove(tenant);
        }
    }
}

//! Changes quotas while they are in use, and keeps what was spent.

use std::sync::Arc;

use tooloo_clock::Moment;
use tooloo_key::Key;

use super::{Engine, room::Room, serve::wake};
use crate::{
    RateLimitConfig, Tier,
    error::KeysFull,
    keys::Pinned,
    state::{Policy, Terms},
    sync::{Ordering, lock},
};

impl Engine {
    /// Gives tokens back that were spent for nothing.
    pub(crate) fn refund(&self, key: &Key, cost: u64) {
        self.alter(key, |pinned| {
            // A bucket that is gone, or was never there, is full.
            let _ = pinned.find()?.refund(cost, &self.common);
            Some(())
        });
    }

    /// Fills `key`'s own bucket.
    pub(crate) fn reset(&self, key: &Key) {
        self.alter(key, |pinned| {
            let _ = pinned.find()?.fill();
            Some(())
        });
    }

    /// Gives `key` tiers of its own, or those of everyone where there are none.
    pub(crate) fn set_tiers(&self, key: &Key, tiers: Option<&[Tier]>) -> Result<(), KeysFull> {
        let now = Moment::exact();
        let mut wakers = Vec::new();
        let result = {
            let mut room = lock(&self.room);
            let pinned = self.keys.pin(key);
            let everyone = self.terms.to_keep();
            let terms = tiers.map_or_else(
                || Arc::clone(&everyone),
                |tiers| {
                    let everyone = everyone.policy();
                    let own = Policy::new(tiers.into(), everyone.generation(), true);
                    let own = own.renewed(everyone.tiers(), everyone.generation());
                    Terms::new(Arc::new(own))
                },
            );
            let result = self.set_terms(&room, &pinned, &terms, now);
            room.order.reconsider(&pinned.place());
            self.serve(&mut room, now, None, &mut wakers);
            result
        };
        wake(wakers);
        result
    }

    /// Goes on under other settings.
    pub(crate) fn reload(&self, config: RateLimitConfig) {
        let now = Moment::exact();
        let mut wakers = Vec::new();
        {
            let mut room = lock(&self.room);
            let before = self.terms.to_keep();
            let before = before.policy();
            let tiers: Arc<[Tier]> = config.tiers.into();
            let generation = before.generation() + 1;
            lock(&self.common).change(before.tiers(), &tiers, now);
            before.end(now);
            let policy = Policy::new(tiers, generation, false);
            self.terms.replace(Terms::new(Arc::new(policy)));
            self.generation.store(generation, Ordering::Release);
            self.keys.set_max(config.max_keys.get());
            room.max_in_all = config.max_waiting;
            room.max_per_key = config.max_waiting_per_key;
            for place in room.order.places() {
                self.renew(&room, &self.keys.pin_place(place), now);
            }
            room.order.reconsider_all();
            self.serve(&mut room, now, None, &mut wakers);
        }
        wake(wakers);
    }

    /// Returns the tiers of all keys that have none of their own.
    pub(crate) fn tiers(&self) -> Arc<[Tier]> {
        Arc::clone(self.terms.to_keep().policy().tiers())
    }

    /// Replaces a bucket of former settings.
    pub(super) fn renew(&self, _room: &Room, pinned: &Pinned<'_>, now: Moment) {
        let current = self.terms.to_keep();
        let Some(bucket) = pinned.find() else { return };
        let (policy, everyone) = (bucket.policy(), current.policy());
        if policy.generation() == everyone.generation() {
            return;
        }
        let terms = if policy.is_pinned() {
            let renewed = policy.renewed(everyone.tiers(), everyone.generation());
            Terms::new(Arc::new(renewed))
        } else {
            Arc::clone(&current)
        };
        // One that is evicted meanwhile is full, and needs no converting.
        pinned.replace(|bucket| bucket.moved(&terms, now));
    }

    fn set_terms(
        &self,
        room: &Room,
        pinned: &Pinned<'_>,
        terms: &Arc<Terms>,
        now: Moment,
    ) -> Result<(), KeysFull> {
        loop {
            self.bucket_in(room, pinned, now).ok_or(KeysFull)?;
            // It may have been evicted meanwhile.
            if pinned.replace(|bucket| bucket.moved(terms, now)) {
                return Ok(());
            }
        }
    }

    /// Changes `key`'s bucket, or the one that strangers share where it has none, and serves those
    /// who waited for that.
    fn alter(&self, key: &Key, change: impl Fn(&Pinned<'_>) -> Option<()>) {
        let now = Moment::exact();
        let mut wakers = Vec::new();
        {
            let mut room = lock(&self.room);
            let own = self.keys.pin(key);
            let place = if change(&own).is_some() {
                own.place()
            } else {
                let strangers = self.keys.pin_overflow();
                if self.keys.is_full() {
                    let _ = change(&strangers);
                }
                strangers.place()
            };
            room.order.reconsider(&place);
            self.serve(&mut room, now, None, &mut wakers);
        }
        wake(wakers);
    }
}

//! What a limiter shows of itself.

use tooloo_clock::Moment;
use tooloo_key::Key;

use super::Engine;
use crate::{
    Standing,
    figures::Figures,
    keys::{Keys, Pinned},
    state::Bucket,
    sync::lock,
};

impl Engine {
    /// Returns how `key` stands in every tier.
    pub(crate) fn standings(&self, key: &Key) -> Vec<Standing> {
        let now = Moment::exact();
        let current = |pinned: &Pinned<'_>| loop {
            if let Some(bucket) = pinned.find()
                && self.is_stale(bucket)
            {
                self.renew(&lock(&self.room), pinned, now);
            }
            let bucket = pinned.find().filter(|bucket| !bucket.is_gone())?;
            let standings = bucket.standings(now, &self.common);
            // One that moves tells nothing, and may have begun to while it was asked.
            if !bucket.is_moved() {
                return Some(standings);
            }
            // Whoever moves it holds the lock until the other is in its place.
            drop(lock(&self.room));
        };
        let own = current(&self.keys.pin(key));
        let stranger = || {
            let shared = self.keys.is_full().then(|| self.keys.pin_overflow());
            shared.as_ref().and_then(current)
        };
        own.or_else(stranger)
            .unwrap_or_else(|| Bucket::new(&self.terms.to_keep()).standings(now, &self.common))
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn figures(&self) -> &Figures {
        &self.figures
    }

    /// Forgets all keys that are full, and returns how many.
    pub(crate) fn evict_idle(&self) -> usize {
        let forgotten = self.keys.sweep(Moment::exact());
        let evicted = forgotten.len();
        self.figures.board.forget(forgotten);
        evicted
    }

    /// Returns the busiest keys, and how often each was let through and sent away.
    pub(crate) fn top_keys(&self) -> Vec<(Key, u64, u64)> {
        self.figures.board.top(|key| {
            let pinned = self.keys.pin(key);
            let bucket = pinned.find();
            bucket.map_or((0, 0), Bucket::counted)
        })
    }

    /// Returns how many wait.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.room).order.waiting()
    }
}

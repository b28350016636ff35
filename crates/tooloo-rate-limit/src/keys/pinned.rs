//! One key's place among all.

use std::sync::Arc;

use sdd::Guard;
use tooloo_clock::Moment;
use tooloo_key::Key;

use super::{Forgotten, Keys, block::Held, shard::Shard};
use crate::{
    state::{Aside, Bucket, Place, Terms},
    sync::Ordering,
};

/// A key's place, and what keeps the buckets in memory that are found there.
pub(crate) struct Pinned<'a> {
    keys: &'a Keys,
    shard: &'a Shard,
    hash: u64,
    key: &'a Key,
    // Not of the strangers' bucket.
    own: bool,
    guard: Guard,
}

/// Why a key was not added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotAdded {
    /// There are as many as may be.
    Full,
    /// The table must grow first.
    Crowded,
}

impl<'a> Pinned<'a> {
    #[inline]
    pub(super) fn new(
        keys: &'a Keys,
        shard: &'a Shard,
        (hash, key): (u64, &'a Key),
        own: bool,
    ) -> Self {
        Self {
            keys,
            shard,
            hash,
            key,
            own,
            guard: Guard::new(),
        }
    }

    #[inline]
    pub(crate) fn find(&self) -> Option<&Bucket> {
        self.shard.find(self.hash, self.key, &self.guard)
    }

    /// Returns what keeps all in memory that is found while it is there.
    #[inline]
    pub(crate) fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Looks at the bucket while it is neither moved nor forgotten.
    pub(crate) fn steadily<T>(&self, look: impl FnOnce(Option<&Bucket>) -> T) -> T {
        let _writer = self.shard.writer();
        look(self.find())
    }

    pub(crate) fn place(&self) -> Place {
        if self.own {
            Place::Key(self.key.clone())
        } else {
            Place::Overflow
        }
    }

    pub(crate) fn key(&self) -> Option<&Key> {
        self.own.then_some(self.key)
    }

    /// Adds a full bucket where there is none, sweeping first where that is due.
    pub(crate) fn add(
        &self,
        terms: &Arc<Terms>,
        now: Moment,
        forgotten: &mut Vec<Forgotten>,
    ) -> Result<(), NotAdded> {
        let keys = self.keys;
        if self.own && !keys.reserve() {
            forgotten.extend(keys.sweep_next(now));
            if !keys.reserve() {
                // Another thread may have given this very key the last place.
                return self.find().map(drop).ok_or(NotAdded::Full);
            }
        }
        let mut writer = self.shard.writer();
        if self.own {
            forgotten.extend(keys.sweep_grown(self.shard, &mut writer, now));
        }
        let added = if self.find().is_some() {
            Ok(false)
        } else {
            let held = Held {
                key: self.key.clone(),
                bucket: Bucket::new(terms),
            };
            let added = self.shard.add(&mut writer, self.hash, held, &self.guard);
            added.then_some(true).ok_or(NotAdded::Crowded)
        };
        if self.own && added != Ok(true) {
            keys.len.fetch_sub(1, Ordering::Relaxed);
        }
        added.map(drop)
    }

    /// Makes room for more keys near this one. Only the holder of the waiting room's lock may.
    pub(crate) fn grow(&self) {
        let mut writer = self.shard.writer();
        // Another thread may have been first.
        self.shard
            .make_room(&mut writer, &self.keys.hasher, &self.guard);
    }

    /// Puts what `make` makes of the bucket in its place; returns whether there was one, and it could. Only the
    /// holder of the waiting room's lock may.
    pub(crate) fn replace(&self, make: impl FnOnce(&Bucket) -> Result<Bucket, Aside>) -> bool {
        let mut writer = self.shard.writer();
        let hasher = &self.keys.hasher;
        self.shard.make_room(&mut writer, hasher, &self.guard);
        self.shard
            .replace(&mut writer, (self.hash, self.key), make, &self.guard)
    }

    /// Waits until a bucket that is marked as gone is out of the way.
    pub(crate) fn settle(&self) {
        drop(self.shard.writer());
    }
}

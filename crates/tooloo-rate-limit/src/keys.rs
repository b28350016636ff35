//! The buckets of all keys, bounded in number.

mod block;
mod group;
mod hasher;
mod pinned;
mod shard;
mod sweep;
mod table;

use std::sync::atomic::AtomicUsize;

use tooloo_key::Key;

pub(crate) use self::pinned::{NotAdded, Pinned};
use self::{hasher::ByBytes, shard::Shard};
use crate::{
    state::Place,
    sync::{AtomicU64, Ordering},
};

/// Parts of the keys, at most; each grows and is swept at once.
const SHARDS: usize = 128;

/// Keys that a newcomer may be made to look at, and new ones in a shard before it is swept, at least.
const FEW: usize = 64;

/// Buckets that are forgotten when they are full again.
///
/// At its bound, keys that are new share one bucket: never a fresh one each, or a flood of made-up keys
/// would go unlimited.
#[derive(Debug)]
pub(crate) struct Keys {
    hasher: ByBytes,
    shards: Box<[Shard]>,
    overflow: Shard,
    // What the strangers' bucket stands under, alone.
    stranger: Key,
    len: AtomicUsize,
    max: AtomicUsize,
    // Keys that found no room: now and then one of them sweeps the next shard.
    strangers: AtomicUsize,
    evicted: AtomicU64,
}

/// What a sweep forgot: a key, and how often it was let through and sent away.
pub(crate) type Forgotten = (Key, u64, u64);

impl Keys {
    pub(crate) fn new(max: usize) -> Self {
        let shards = (max / FEW).next_power_of_two().min(SHARDS);
        Self {
            hasher: ByBytes::default(),
            shards: (0..shards).map(|_| Shard::default()).collect(),
            overflow: Shard::default(),
            stranger: Key::from(""),
            len: AtomicUsize::new(0),
            max: AtomicUsize::new(max),
            strangers: AtomicUsize::new(0),
            evicted: AtomicU64::new(0),
        }
    }

    /// Returns how many keys are held.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether there is no room for another key.
    pub(crate) fn is_full(&self) -> bool {
        self.len() >= self.max.load(Ordering::Relaxed)
    }

    /// Returns how many keys were forgotten, full as they were.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// Changes the bound. Keys beyond it are kept until they are full again.
    pub(crate) fn set_max(&self, max: usize) {
        self.max.store(max, Ordering::Relaxed);
    }

    /// Goes to `key`'s bucket.
    #[inline]
    pub(crate) fn pin<'a>(&'a self, key: &'a Key) -> Pinned<'a> {
        let hash = self.hasher.hash(key);
        // The highest bits choose within the shard, and the lowest tell its keys apart.
        let shard = &self.shards[(hash >> 8) as usize & (self.shards.len() - 1)];
        Pinned::new(self, shard, (hash, key), true)
    }

    /// Goes to the bucket that strangers share.
    pub(crate) fn pin_overflow(&self) -> Pinned<'_> {
        Pinned::new(self, &self.overflow, (0, &self.stranger), false)
    }

    pub(crate) fn pin_place<'a>(&'a self, place: &'a Place) -> Pinned<'a> {
        match place {
            Place::Key(key) => self.pin(key),
            Place::Overflow => self.pin_overflow(),
        }
    }

    fn reserve(&self) -> bool {
        let max = self.max.load(Ordering::Relaxed);
        let more = |len: usize| (len < max).then_some(len + 1);
        let reserved = self
            .len
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        reserved.is_ok()
    }
}

#[cfg(test)]
mod tests;

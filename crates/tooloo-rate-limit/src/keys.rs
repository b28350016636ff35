//! The buckets of all keys, bounded in number.

mod hasher;
mod sweep;

use std::sync::{Arc, Mutex, atomic::AtomicUsize};

use papaya::{HashMap, LocalGuard};
use tooloo_clock::Moment;
use tooloo_key::Key;

use self::{hasher::ByBytes, sweep::Sweep};
use crate::{
    state::{Bucket, Place, Terms},
    sync::{AtomicU64, Ordering},
};

/// Parts of the map, at most; each is swept at once.
const SHARDS: usize = 32;

/// Keys that a newcomer may be made to look at, and new ones in a shard before it is swept, at least.
const FEW: usize = 64;

/// A map of buckets that forgets those that are full again.
///
/// At its bound, keys that are new share one bucket: never a fresh one each, or a flood of made-up keys
/// would go unlimited.
#[derive(Debug)]
pub(crate) struct Keys {
    shards: Box<[Shard]>,
    overflow: HashMap<(), Bucket>,
    len: AtomicUsize,
    max: AtomicUsize,
    // Keys that found no room: now and then one of them sweeps the next shard.
    strangers: AtomicUsize,
    evicted: AtomicU64,
}

#[derive(Debug)]
struct Shard {
    buckets: HashMap<Key, Bucket, ByBytes>,
    // New keys since the last sweep.
    came: AtomicUsize,
    sweep: Mutex<Sweep>,
}

/// Keeps the buckets that were found in memory.
pub(crate) struct Pinned<'a> {
    keys: &'a Keys,
    // None of these where strangers' bucket is meant.
    own: Option<(&'a Shard, &'a Key)>,
    guard: LocalGuard<'a>,
}

/// What a sweep forgot: a key, and how often it was let through and sent away.
pub(crate) type Forgotten = (Key, u64, u64);

impl Keys {
    pub(crate) fn new(max: usize) -> Self {
        let hasher = ByBytes::default();
        let shards = (max / FEW).next_power_of_two().min(SHARDS);
        let shard = || Shard {
            buckets: HashMap::with_hasher(hasher.clone()),
            came: AtomicUsize::new(0),
            sweep: Mutex::default(),
        };
        Self {
            shards: (0..shards).map(|_| shard()).collect(),
            overflow: HashMap::new(),
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
        let shard = &self.shards[self.index(key)];
        Pinned {
            keys: self,
            own: Some((shard, key)),
            guard: shard.buckets.guard(),
        }
    }

    /// Goes to the bucket that strangers share.
    pub(crate) fn pin_overflow(&self) -> Pinned<'_> {
        Pinned {
            keys: self,
            own: None,
            guard: self.overflow.guard(),
        }
    }

    pub(crate) fn pin_place<'a>(&'a self, place: &'a Place) -> Pinned<'a> {
        match place {
            Place::Key(key) => self.pin(key),
            Place::Overflow => self.pin_overflow(),
        }
    }

    /// Chooses a shard by the end of a key, which differs most often.
    ///
    /// A shard is only what is swept at once: keys that are made to share one slow sweeping down a
    /// little, and finding a bucket not at all.
    #[inline]
    fn index(&self, key: &Key) -> usize {
        let key = key.as_bytes();
        let end = match key.last_chunk() {
            Some(end) => u64::from_le_bytes(*end),
            None => key.iter().fold(0, |end, byte| end << 8 | u64::from(*byte)),
        };
        // Fibonacci hashing: the highest bits depend on all of the key's end.
        let mixed = end.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        usize::from(mixed.to_be_bytes()[0]) & (self.shards.len() - 1)
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

impl Pinned<'_> {
    #[inline]
    pub(crate) fn find(&self) -> Option<&Bucket> {
        match self.own {
            Some((shard, key)) => shard.buckets.get(key, &self.guard),
            None => self.keys.overflow.get(&(), &self.guard),
        }
    }

    pub(crate) fn place(&self) -> Place {
        match self.own {
            Some((_, key)) => Place::Key(key.clone()),
            None => Place::Overflow,
        }
    }

    pub(crate) fn key(&self) -> Option<&Key> {
        self.own.map(|(_, key)| key)
    }

    /// Adds a full bucket, sweeping first where that is due; `None` where there is no room.
    pub(crate) fn add(
        &self,
        terms: &Arc<Terms>,
        now: Moment,
        forgotten: &mut Vec<Forgotten>,
    ) -> Option<&Bucket> {
        let Some((shard, key)) = self.own else {
            let fresh = || Bucket::new(terms);
            let overflow = &self.keys.overflow;
            return Some(overflow.get_or_insert_with((), fresh, &self.guard));
        };
        let keys = self.keys;
        if !keys.reserve() {
            forgotten.extend(keys.sweep_next(now));
            if !keys.reserve() {
                return None;
            }
        }
        forgotten.extend(keys.sweep_grown(shard, now));
        let fresh = Bucket::new(terms);
        match shard.buckets.try_insert(key.clone(), fresh, &self.guard) {
            Ok(bucket) => Some(bucket),
            Err(occupied) => {
                self.keys.len.fetch_sub(1, Ordering::Relaxed);
                Some(occupied.current)
            }
        }
    }

    /// Puts another bucket in the place of this one.
    pub(crate) fn replace(&self, bucket: Bucket) {
        match self.own {
            Some((shard, key)) => {
                shard.buckets.insert(key.clone(), bucket, &self.guard);
            }
            None => {
                self.keys.overflow.insert((), bucket, &self.guard);
            }
        }
    }

    /// Removes the bucket if it is marked as gone.
    pub(crate) fn bury(&self) {
        if let Some((shard, key)) = self.own {
            self.keys.bury(shard, key, &self.guard);
        }
    }
}

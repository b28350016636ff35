//! Which keys are on the disk or on their way to it, and where.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use ahash::RandomState;

use super::{
    lock::lock,
    slot::{Place, Slot, Waiting, Written},
};
use crate::{Record, backend::Erased};

const SHARDS: usize = 16;

/// What is known of the entries, in shards with a lock each.
pub(crate) struct Index {
    shards: [Mutex<Shard>; SHARDS],
    totals: Totals,
}

pub(crate) type Shard = HashMap<Arc<[u8]>, Slot, RandomState>;

/// A waiting entry that was dropped.
pub(crate) struct Dropped {
    pub(crate) key: Arc<[u8]>,
    pub(crate) number: u64,
    pub(crate) replaces: Option<Written>,
}

/// Sums over all shards.
#[derive(Default)]
struct Totals {
    entries: AtomicU64,
    plain: AtomicU64,
    written: AtomicU64,
}

impl Index {
    pub(crate) fn new() -> Self {
        let hasher = RandomState::new();
        let shards = std::array::from_fn(|_| Mutex::new(HashMap::with_hasher(hasher.clone())));
        Self {
            shards,
            totals: Totals::default(),
        }
    }

    /// Locks a key's shard, chosen by the key's end, which differs most often: hashing it takes longer.
    ///
    /// Keys that are made to share a shard share its lock, and nothing else.
    #[inline]
    pub(crate) fn shard(&self, key: &[u8]) -> MutexGuard<'_, Shard> {
        let end = match key.last_chunk() {
            Some(end) => u64::from_le_bytes(*end),
            None => key.iter().fold(0, |end, byte| end << 8 | u64::from(*byte)),
        };
        // Fibonacci hashing: the highest bits depend on all of the key's end.
        let mixed = end.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        lock(&self.shards[usize::from(mixed.to_be_bytes()[0]) % SHARDS])
    }

    /// Puts a slot in a shard, and returns the one that was there.
    pub(crate) fn insert(&self, shard: &mut Shard, key: Arc<[u8]>, slot: Slot) -> Option<Slot> {
        self.totals.entries.fetch_add(1, Ordering::Relaxed);
        self.count(&slot.place, u64::wrapping_add);
        let before = shard.insert(key, slot);
        if let Some(before) = &before {
            self.totals.entries.fetch_sub(1, Ordering::Relaxed);
            self.count(&before.place, u64::wrapping_sub);
        }
        before
    }

    /// Takes a slot out of a shard.
    pub(crate) fn remove(&self, shard: &mut Shard, key: &[u8]) -> Option<Slot> {
        let slot = shard.remove(key)?;
        self.totals.entries.fetch_sub(1, Ordering::Relaxed);
        self.count(&slot.place, u64::wrapping_sub);
        Some(slot)
    }

    /// Takes the slot of this number out, if it is still there.
    pub(crate) fn remove_number(&self, key: &[u8], number: u64) -> Option<Slot> {
        let mut shard = self.shard(key);
        let found = shard.get(key)?.number == number;
        found.then(|| self.remove(&mut shard, key)).flatten()
    }

    /// Takes the entry of this number for writing, if it is still the key's.
    pub(crate) fn take(&self, key: &[u8], number: u64) -> Option<Waiting> {
        let mut shard = self.shard(key);
        let slot = shard.get_mut(key).filter(|slot| slot.number == number)?;
        let Place::Waiting(waiting) = &slot.place else {
            return None;
        };
        let waiting = waiting.clone();
        slot.place = Place::Taken(waiting.clone());
        Some(waiting)
    }

    /// Gives the entry that is written there a new number, if it is still the key's.
    ///
    /// The number is taken under the shard's lock, so that later changes of the key have higher ones.
    pub(crate) fn renumber(
        &self,
        key: &[u8],
        written: u64,
        next: impl FnOnce() -> u64,
    ) -> Option<u64> {
        let mut shard = self.shard(key);
        let slot = shard
            .get_mut(key)
            .filter(|slot| slot.is_written_as(written))?;
        slot.number = next();
        slot.used = false;
        Some(slot.number)
    }

    /// Notes that an entry is written, unless it is another one by now.
    pub(crate) fn settle(&self, key: &[u8], number: u64, written: Written) {
        let mut shard = self.shard(key);
        if let Some(slot) = shard.get_mut(key)
            && slot.number == number
        {
            let place = Place::Written(written);
            self.count(&place, u64::wrapping_add);
            self.count(&slot.place, u64::wrapping_sub);
            slot.place = place;
        }
    }

    /// Takes out the entries that are written in a segment.
    pub(crate) fn remove_segment(&self, segment: u64) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            let is_there = |slot: &Slot| matches!(&slot.place, Place::Written(written) if written.segment == segment);
            let there = shard.iter().filter(|(_, slot)| is_there(slot));
            for key in there.map(|(key, _)| Arc::clone(key)).collect::<Vec<_>>() {
                self.remove(&mut shard, &key);
            }
        }
    }

    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = lock(shard);
            for (_, slot) in shard.drain() {
                self.totals.entries.fetch_sub(1, Ordering::Relaxed);
                self.count(&slot.place, u64::wrapping_sub);
            }
        }
    }

    /// Drops the waiting entries that `dead` names, and returns them.
    pub(crate) fn drop_waiting(&self, dead: &dyn Fn(&[u8], &Record) -> bool) -> Vec<Dropped> {
        let mut dropped = Vec::new();
        for shard in &self.shards {
            let waiting = |(key, slot): (&Arc<[u8]>, &Slot)| {
                let waiting = slot.waiting()?;
                Some((Arc::clone(key), waiting.clone()))
            };
            let waiting: Vec<_> = lock(shard).iter().filter_map(waiting).collect();
            for (key, waiting) in waiting {
                if dead(&key, waiting.entry.record())
                    && let Some(number) = self.remove_waiting(&key, &waiting)
                {
                    dropped.push(Dropped {
                        number,
                        replaces: waiting.replaces,
                        key,
                    });
                }
            }
        }
        dropped
    }

    /// Takes out this very entry, if it is still the key's, and returns its number.
    fn remove_waiting(&self, key: &[u8], waiting: &Waiting) -> Option<u64> {
        let mut shard = self.shard(key);
        let present = shard.get(key)?.waiting()?;
        let slot =
            Erased::ptr_eq(&present.entry, &waiting.entry).then(|| self.remove(&mut shard, key))?;
        slot.map(|slot| slot.number)
    }

    pub(crate) fn entries(&self) -> u64 {
        self.totals.entries.load(Ordering::Relaxed)
    }

    /// Returns the bytes of the entries that are written, plain and as they are.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        let Totals { plain, written, .. } = &self.totals;
        (
            plain.load(Ordering::Relaxed),
            written.load(Ordering::Relaxed),
        )
    }

    fn count(&self, place: &Place, change: fn(u64, u64) -> u64) {
        if let Place::Written(entry) = place {
            for (total, bytes) in [
                (&self.totals.plain, entry.plain),
                (&self.totals.written, entry.length),
            ] {
                // Wraps around where bytes are taken away.
                total.fetch_add(change(0, u64::from(bytes)), Ordering::Relaxed);
            }
        }
    }
}

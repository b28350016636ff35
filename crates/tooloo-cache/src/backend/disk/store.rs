//! What callers, readers and the writer of one disk tier share.

use std::{
    mem,
    path::PathBuf,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    config::DiskConfig,
    index::{Index, Shard},
    lock::lock_write,
    marks::Marks,
    queue::Queue,
    segment::Segments,
    slot::{Place, Slot, Waiting},
};
use crate::{
    backend::{Encode, Erased, envelope::Envelopes},
    tier::TierFigures,
};

/// zstd's own default, a good balance for bodies of a few kilobytes.
pub(crate) const LEVEL: i32 = 3;

pub(crate) struct Store {
    pub(crate) config: DiskConfig,
    pub(crate) encode: Box<Encode>,
    pub(crate) index: Index,
    pub(crate) queue: Queue,
    pub(crate) segments: Segments,
    pub(crate) marks: RwLock<Marks>,
    pub(crate) envelopes: Envelopes,
    pub(crate) counts: Counts,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) hits: AtomicU64,
    pub(crate) misses: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) evictions: AtomicU64,
}

impl Store {
    pub(crate) fn new(config: DiskConfig, encode: Box<Encode>) -> Self {
        let key = config.encryption.as_ref();
        Self {
            index: Index::new(),
            queue: Queue::new(config.queue_entries.get(), config.queue_bytes),
            segments: Segments::default(),
            marks: RwLock::default(),
            envelopes: Envelopes::new(LEVEL, key, config.max_entry_bytes()),
            counts: Counts::default(),
            config,
            encode,
        }
    }

    pub(crate) fn folder(&self) -> &PathBuf {
        &self.config.folder
    }

    /// Queues an entry, or sheds it; the one before it is gone in both cases.
    pub(crate) fn insert(&self, key: &[u8], entry: Erased) {
        let bytes = entry.record().bytes.saturating_add(key.len() as u64);
        let mut shard = self.index.shard(key);
        if let Some(slot) = shard.get_mut(key)
            && let Place::Waiting(waiting) = &mut slot.place
            && bytes <= waiting.bytes
        {
            // It waits in the stead of the one before it, in whose room it fits.
            slot.used = false;
            let before = mem::replace(&mut waiting.entry, entry);
            drop(shard);
            // Values are let go outside of the lock.
            drop(before);
            return;
        }
        let before = self.enqueue(&mut shard, key, bytes, entry);
        drop(shard);
        drop(before);
    }

    /// Queues an entry behind the others, and returns what the key had before.
    fn enqueue(&self, shard: &mut Shard, key: &[u8], bytes: u64, entry: Erased) -> Option<Place> {
        let known = shard.get_key_value(key);
        let replaces = known.and_then(|(_, slot)| slot.written());
        let is_full =
            known.is_none() && self.index.entries() >= self.config.max_entries.get() as u64;
        let known = known.map(|(key, _)| Arc::clone(key));
        let key_held = known.unwrap_or_else(|| key.into());
        let number = (!is_full)
            .then(|| self.queue.write(Arc::clone(&key_held), bytes))
            .flatten();
        let before = if let Some(number) = number {
            let waiting = Waiting {
                bytes,
                replaces,
                entry,
            };
            let slot = Slot {
                number,
                place: Place::Waiting(waiting),
                used: false,
            };
            self.index.insert(shard, key_held, slot)
        } else {
            increment(&self.counts.shed);
            self.remove_from(shard, key)
        };
        before.map(|slot| slot.place)
    }

    /// Forgets a key, and queues its removal from the disk.
    pub(crate) fn remove(&self, key: &[u8]) {
        let mut shard = self.index.shard(key);
        let removed = self.remove_from(&mut shard, key);
        drop(shard);
        drop(removed);
    }

    /// A key that the index does not know has nothing on disk that counts.
    pub(super) fn remove_from(&self, shard: &mut Shard, key: &[u8]) -> Option<Slot> {
        let (key, _) = shard.get_key_value(key)?;
        let key = Arc::clone(key);
        let slot = self.index.remove(shard, &key)?;
        self.queue.remove(key, slot.written());
        Some(slot)
    }

    /// Forgets everything that is known of the entries, but not the files.
    pub(crate) fn forget(&self) {
        self.index.clear();
        lock_write(&self.marks).clear();
    }

    pub(crate) fn figures(&self) -> TierFigures {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counts = &self.counts;
        let (plain, written) = self.index.bytes();
        TierFigures {
            entries: Some(self.index.entries()),
            bytes: Some(plain),
            compressed_bytes: Some(written),
            file_bytes: Some(self.segments.bytes()),
            hits: count(&counts.hits),
            misses: count(&counts.misses),
            errors: Some(count(&counts.errors)),
            shed: Some(count(&counts.shed)),
            queued: Some(self.queue.len() as u64),
            evictions: Some(count(&counts.evictions)),
        }
    }
}

pub(crate) fn increment(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

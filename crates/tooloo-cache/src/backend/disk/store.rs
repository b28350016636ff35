//! What callers, readers and the writer of one disk tier share.

use std::{
    path::PathBuf,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    config::DiskConfig,
    index::{Index, Place, Shard, Slot, Waiting},
    lock::lock_write,
    marks::Marks,
    queue::Queue,
    segment::Segments,
};
use crate::{
    backend::{Payload, envelope::Envelopes},
    tier::TierFigures,
};

/// zstd's own default, a good balance for bodies of a few kilobytes.
pub(crate) const LEVEL: i32 = 3;

pub(crate) struct Store {
    pub(crate) config: DiskConfig,
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
    pub(crate) fn new(config: DiskConfig) -> Self {
        let key = config.encryption.as_ref();
        Self {
            index: Index::new(),
            queue: Queue::new(config.queue_entries.get(), config.queue_bytes),
            segments: Segments::default(),
            marks: RwLock::default(),
            envelopes: Envelopes::new(LEVEL, key, config.max_entry_bytes()),
            counts: Counts::default(),
            config,
        }
    }

    pub(crate) fn folder(&self) -> &PathBuf {
        &self.config.folder
    }

    /// Queues an entry, or sheds it; the one before it is gone in both cases.
    pub(crate) fn insert(&self, key: &[u8], payload: Box<dyn Payload>) {
        let record = payload.record();
        let bytes = record.bytes.saturating_add(key.len() as u64);
        let mut shard = self.index.shard(key);
        let before = shard.get(key);
        let is_full =
            before.is_none() && self.index.entries() >= self.config.max_entries.get() as u64;
        let replaces = before.and_then(Slot::written);
        let waiting = if is_full {
            None
        } else {
            let key: Arc<[u8]> = key.into();
            self.queue.write(bytes, move |number| {
                Arc::new(Waiting {
                    key,
                    number,
                    payload,
                    bytes,
                    replaces,
                })
            })
        };
        let Some(waiting) = waiting else {
            increment(&self.counts.shed);
            self.remove_from(&mut shard, key);
            return;
        };
        let slot = Slot {
            number: waiting.number,
            place: Place::Waiting(Arc::clone(&waiting)),
            used: false,
        };
        self.index
            .insert(&mut shard, Arc::clone(&waiting.key), slot);
    }

    /// Forgets a key, and queues its removal from the disk.
    pub(crate) fn remove(&self, key: &[u8]) {
        self.remove_from(&mut self.index.shard(key), key);
    }

    /// A key that the index does not know has nothing on disk that counts.
    fn remove_from(&self, shard: &mut Shard, key: &[u8]) {
        let known = shard.get_key_value(key).map(|(key, _)| Arc::clone(key));
        if let (Some(key), Some(slot)) = (known, self.index.remove(shard, key)) {
            self.queue.remove(key, slot.written());
        }
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

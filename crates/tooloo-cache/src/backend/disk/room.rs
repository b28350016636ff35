//! Keeps the files within their bound: seals the full segment, and deletes the oldest.
//!
//! What is used in the oldest segment moves to the newest, and everything of use does where most of the
//! segment is garbage: first in, first out with a second chance.

use std::sync::Arc;

use super::{
    batch::Batch,
    lock::{lock_read, lock_write},
    note::Head,
    segment::SegmentFile,
    store::increment,
    writer::Writer,
};
use crate::backend::{engine::Space, wall_millis};

/// What may move of a segment, in bytes.
#[derive(Clone, Copy)]
pub(super) enum Rescue {
    /// As much as leaves most of its room free.
    Some(u64),
    /// All that is of use.
    All,
}

impl Writer {
    /// Seals the current segment where it is full, and makes room for the next.
    pub(crate) fn keep_room(&mut self) {
        let mut batch = Batch::default();
        self.keep_marks(&mut batch);
        self.commit(&mut batch);
        let Some(current) = &self.current else {
            return;
        };
        let config = &self.store.config;
        let is_full = current.bytes() > config.segment_bytes() / 10 * 9;
        if is_full || self.entries >= config.segment_entries() {
            self.seal();
            self.train_again();
        }
        self.make_room(Rescue::Some(self.store.config.segment_bytes() / 2));
    }

    pub(super) fn seal(&mut self) {
        let Some(current) = self.current.take() else {
            return;
        };
        let config = &self.store.config;
        if current
            .seal(&*config.engine, config.reading_cache())
            .is_err()
        {
            self.lose(&current);
        }
    }

    pub(super) fn make_room(&mut self, rescue: Rescue) {
        let config = &self.store.config;
        let cap = config.segment_bytes();
        // Room for the next segment, and for what moves before the oldest is gone.
        let most = config.max_bytes.saturating_sub(cap + cap / 2);
        let mut rescue = rescue;
        loop {
            let files = self.store.segments.all();
            let current = self.current.as_ref().map(|file| file.number);
            let mut sealed = files.iter().filter(|file| Some(file.number) != current);
            let bytes: u64 = sealed.clone().map(|file| file.bytes()).sum();
            let Some(oldest) = sealed.next().filter(|_| bytes > most) else {
                return;
            };
            let moved = self.evict(oldest, rescue);
            if let Rescue::Some(left) = &mut rescue {
                *left = left.saturating_sub(moved);
            }
        }
    }

    /// Deletes the oldest segment; what is rescued moves to the current one. Returns how many bytes moved.
    pub(super) fn evict(&mut self, file: &Arc<SegmentFile>, rescue: Rescue) -> u64 {
        let store = Arc::clone(&self.store);
        let now = wall_millis();
        let (mut of_use, mut lost) = (Vec::new(), Vec::new());
        let (heads, is_whole) = self.heads(file);
        let written: u64 = heads.iter().map(|(head, _)| u64::from(head.length)).sum();
        for (head, number) in heads {
            let shard = store.index.shard(&head.key);
            let Some(slot) = shard
                .get(&head.key)
                .filter(|slot| slot.is_written_as(number))
            else {
                continue;
            };
            let used = slot.used;
            drop(shard);
            let is_expired = head
                .record
                .dead_from()
                .is_some_and(|dead_from| dead_from <= now);
            if is_expired || lock_read(&store.marks).cover(&head.key, &head.record) {
                lost.push((head, number));
            } else {
                of_use.push((used, head, number));
            }
        }
        let bytes: u64 = of_use
            .iter()
            .map(|(_, head, _)| u64::from(head.length))
            .sum();
        let is_garbage = bytes < written / 2;
        // Those used come first.
        of_use.sort_by_key(|(used, _, number)| (!used, *number));
        let mut batch = Batch::default();
        let mut moved = 0;
        for (used, head, number) in of_use {
            let length = u64::from(head.length);
            let is_rescued = match rescue {
                Rescue::All => true,
                Rescue::Some(most) => (used || is_garbage) && moved + length <= most,
            };
            if is_rescued && self.rescue(file, &head, number, &mut batch) {
                moved += length;
            } else {
                increment(&store.counts.evictions);
                lost.push((head, number));
            }
        }
        self.commit(&mut batch);
        for (head, number) in lost {
            self.remove_written(&head.key, number);
        }
        if !is_whole {
            self.store.index.remove_segment(file.number);
        }
        self.delete(file);
        moved
    }

    fn rescue(&mut self, file: &SegmentFile, head: &Head, number: u64, batch: &mut Batch) -> bool {
        let store = Arc::clone(&self.store);
        let envelope = file.get(Space::Bodies, number).ok().flatten();
        let opened = envelope.and_then(|envelope| store.envelopes.open(&head.key, &envelope).ok());
        let Some((record, plain)) = opened else {
            increment(&store.counts.errors);
            return false;
        };
        let next = store
            .index
            .renumber(&head.key, number, || store.queue.next_number());
        // Where the key has another entry by now, nothing is lost.
        let Some(next) = next else {
            return true;
        };
        let head = Head {
            key: Arc::clone(&head.key),
            record,
            plain: head.plain,
            length: 0,
        };
        self.write(head, next, &plain, None, batch);
        true
    }

    /// Deletes a segment whose entries have moved or are lost; the last of what it says goes with it.
    fn delete(&mut self, file: &SegmentFile) {
        if file.delete().is_err() {
            increment(&self.store.counts.errors);
        }
        self.store.segments.remove(file.number);
        self.dictionaries.remove(&file.number);
        self.keep_dictionaries();
        lock_write(&self.store.marks).forget(file.number);
    }

    /// Deletes a segment that cannot be read, and all older ones: what it said of them is unknown.
    fn lose(&mut self, file: &SegmentFile) {
        increment(&self.store.counts.errors);
        for older in self.store.segments.all() {
            if older.number <= file.number {
                self.store.index.remove_segment(older.number);
                self.delete(&older);
            }
        }
    }
}

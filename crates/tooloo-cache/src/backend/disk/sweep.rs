//! Drops what is dead, and moves together what is not.

use super::{
    batch::Batch,
    lock::lock_read,
    note::{self, Head, Note},
    room::Rescue,
    segment::SegmentFile,
    slot::{Place, Written},
    store::increment,
    writer::Writer,
};
use crate::{
    Record,
    backend::{engine::Space, wall_millis},
};

impl Writer {
    /// Moves everything of use together.
    pub(crate) fn compact(&mut self) {
        self.seal();
        for file in self.store.segments.all() {
            self.evict(&file, Rescue::All);
            if self
                .current
                .as_ref()
                .is_some_and(|file| file.bytes() > self.store.config.segment_bytes() / 10 * 9)
            {
                self.seal();
            }
        }
        self.make_room(Rescue::Some(0));
    }

    /// Drops what is dead from the index. What is expired or purged stays on the disk until its segment
    /// goes, and so does all that sealed segments hold.
    pub(crate) fn sweep(&mut self, dead: &dyn Fn(&[u8], &Record) -> bool) {
        let mut batch = Batch::default();
        for dropped in self.store.index.drop_waiting(dead) {
            // It would have taken the place of another, which must not come back.
            self.note_removal(dropped.key, dropped.number, dropped.replaces, &mut batch);
        }
        self.commit(&mut batch);
        let now = wall_millis();
        for file in self.store.segments.all() {
            let mut batch = Batch::default();
            for (head, number) in self.heads(&file).0 {
                let is_expired = head
                    .record
                    .dead_from()
                    .is_some_and(|dead_from| dead_from <= now);
                let is_dropped = lock_read(&self.store.marks).forbid(&head.key, &head.record);
                if !(is_expired || is_dropped || dead(&head.key, &head.record)) {
                    continue;
                }
                let Some(slot) = self.remove_written(&head.key, number) else {
                    continue;
                };
                // What the disk knows itself to be dead needs no note; its head goes on hiding older ones of
                // its key, which need not be dead.
                if !is_expired && !is_dropped {
                    let number = self.store.queue.next_number();
                    batch.note(&self.store.envelopes, number, &Note::Removed(head.key));
                    self.delete_here(Some(slot), &mut batch);
                }
            }
            self.commit(&mut batch);
        }
    }

    /// Takes an entry out of the index, if that record is still it.
    pub(super) fn remove_written(&self, key: &[u8], number: u64) -> Option<Written> {
        let mut shard = self.store.index.shard(key);
        shard.get(key).filter(|slot| slot.is_written_as(number))?;
        let slot = self.store.index.remove(&mut shard, key)?;
        match slot.place {
            Place::Written(written) => Some(written),
            Place::Waiting(_) | Place::Taken(_) => None,
        }
    }

    /// Returns the heads in a segment, and whether those are all.
    pub(super) fn heads(&self, file: &SegmentFile) -> (Vec<(Head, u64)>, bool) {
        let mut heads = Vec::new();
        let mut errors = 0;
        let scanned = file.scan(Space::Heads, &mut |number, bytes| match note::read(
            &self.store.envelopes,
            Space::Heads,
            number,
            bytes,
        ) {
            Some(head) => heads.push((head, number)),
            None => errors += 1,
        });
        let is_whole = scanned.is_ok() && errors == 0;
        if !is_whole {
            increment(&self.store.counts.errors);
        }
        (heads, is_whole)
    }
}

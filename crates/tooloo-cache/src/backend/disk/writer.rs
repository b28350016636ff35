//! The one thread that writes: takes what waits, and commits it together.

use std::{collections::BTreeMap, fs::File, sync::Arc};

use tokio::sync::oneshot;
use tooloo_clock::Instant;

use super::{
    batch::Batch,
    lock::{lock_read, lock_write},
    note::{self, Head, Note},
    queue::Job,
    segment::SegmentFile,
    slot::Written,
    store::{LEVEL, Store, increment},
};
use crate::backend::{
    dictionary::{Dictionary, Trainer},
    engine::{EngineError, Space},
};

/// Jobs that are committed together, at most.
const BATCH: usize = 1024;

pub(crate) struct Writer {
    pub(crate) store: Arc<Store>,
    /// Where is written to; none while the disk fails.
    pub(crate) current: Option<Arc<SegmentFile>>,
    pub(crate) next_segment: u64,
    /// Entries written to the current segment.
    pub(crate) entries: usize,
    /// The dictionaries in each segment.
    pub(crate) dictionaries: BTreeMap<u64, Vec<u32>>,
    pub(crate) dictionary: Option<Arc<Dictionary>>,
    pub(super) trainer: Trainer,
    pub(super) failed: Option<Instant>,
    /// Keeps other processes out.
    _lock: File,
}

impl Writer {
    pub(crate) fn new(store: Arc<Store>, next_segment: u64, lock: File) -> Self {
        Self {
            current: None,
            next_segment,
            entries: 0,
            dictionaries: BTreeMap::new(),
            dictionary: None,
            trainer: Trainer::new(store.config.dictionary_bytes, LEVEL),
            failed: None,
            store,
            _lock: lock,
        }
    }

    /// Works until the queue is closed and empty, and closes the segments.
    pub(crate) fn run(mut self) {
        let (delay, bytes) = (self.store.config.commit_after, self.batch_bytes());
        while let Some(jobs) = self.store.queue.take(BATCH, bytes, delay) {
            let mut batch = Batch::default();
            for job in jobs {
                self.carry_out(job, &mut batch);
            }
            self.commit(&mut batch);
            self.keep_room();
            self.keep_dictionary();
        }
        for segment in self.store.segments.all() {
            segment.close();
        }
    }

    /// Returns how much is committed at once: little beside a segment.
    pub(crate) fn batch_bytes(&self) -> u64 {
        self.store.config.segment_bytes() / 8
    }

    fn carry_out(&mut self, job: Job, batch: &mut Batch) {
        match job {
            Job::Write { key, number, .. } => self.encode(&key, number, batch),
            Job::Remove { key, number, was } => self.note_removal(key, number, was, batch),
            Job::Purge { mark, number, done } => {
                batch.note(&self.store.envelopes, number, &Note::Purged(mark.clone()));
                batch.marks.push(mark);
                batch.done.push(done);
            }
            Job::Flush(done) => batch.done.push(done),
            Job::Clear(done) => {
                // What is in the batch is forgotten with the rest.
                batch.fail();
                self.start_over();
                tell(done);
            }
            Job::Sweep(dead, done) => {
                self.commit(batch);
                self.sweep(&*dead);
                tell(done);
            }
            Job::Compact(done) => {
                self.commit(batch);
                self.compact();
                tell(done);
            }
        }
    }

    /// Makes bytes of an entry, where it is still its key's and no purge has come in between.
    fn encode(&mut self, key: &Arc<[u8]>, number: u64, batch: &mut Batch) {
        let Some(waiting) = self.store.index.take(key, number) else {
            return;
        };
        let (entry, replaces) = (&waiting.entry, waiting.replaces);
        let mut plain = Vec::new();
        let is_covered = lock_read(&self.store.marks).cover(key, entry.record());
        if is_covered || (self.store.encode)(entry.value(), &mut plain).is_err() {
            if !is_covered {
                increment(&self.store.counts.errors);
            }
            self.give_up(key, number, replaces, batch);
            return;
        }
        self.trainer.sample(&plain);
        let head = Head {
            key: Arc::clone(key),
            record: entry.record().clone(),
            plain: u32::try_from(plain.len()).unwrap_or(u32::MAX),
            length: 0,
        };
        self.write(head, number, &plain, replaces, batch);
    }

    /// Puts an entry into the batch.
    pub(crate) fn write(
        &mut self,
        mut head: Head,
        number: u64,
        plain: &[u8],
        was: Option<Written>,
        batch: &mut Batch,
    ) {
        let envelopes = &self.store.envelopes;
        let dictionary = self.dictionary.as_deref();
        let envelope = envelopes.close(&head.key, &head.record, plain, dictionary);
        let fits =
            envelope.filter(|envelope| envelope.len() <= self.store.config.max_entry_bytes());
        let written = fits.and_then(|envelope| {
            head.length = u32::try_from(envelope.len()).ok()?;
            let write = note::write(envelopes, Space::Heads, number, &head)?;
            Some((envelope, write))
        });
        let Some((envelope, write)) = written else {
            increment(&self.store.counts.errors);
            self.give_up(&head.key, number, was, batch);
            return;
        };
        batch.entry(number, envelope, write, head);
        self.delete_here(was, batch);
        if batch.bytes >= self.batch_bytes() {
            self.commit(batch);
        }
    }

    /// Drops an entry that is not written, and the one on disk that it was to replace.
    fn give_up(&self, key: &Arc<[u8]>, number: u64, was: Option<Written>, batch: &mut Batch) {
        self.store.index.remove_number(key, number);
        self.note_removal(Arc::clone(key), number, was, batch);
    }

    /// Says that no version of the key up to this number counts, also not one that was being written when the
    /// removal came.
    pub(super) fn note_removal(
        &self,
        key: Arc<[u8]>,
        number: u64,
        was: Option<Written>,
        batch: &mut Batch,
    ) {
        batch.note(&self.store.envelopes, number, &Note::Removed(key));
        self.delete_here(was, batch);
    }

    /// Deletes a version that is in the current segment; in others it goes with its segment.
    pub(crate) fn delete_here(&self, was: Option<Written>, batch: &mut Batch) {
        let here = |was: &Written| {
            self.current
                .as_ref()
                .is_some_and(|file| file.number == was.segment)
        };
        if let Some(was) = was.filter(here) {
            batch.delete(was.number);
        }
    }

    /// Writes the batch to the current segment, or drops everything: what cannot be written must not be
    /// missed when the disk is read again.
    pub(crate) fn commit(&mut self, batch: &mut Batch) {
        if batch.is_empty() {
            batch.finish();
            return;
        }
        let Ok(segment) = self.try_commit(batch) else {
            increment(&self.store.counts.errors);
            self.failed.get_or_insert_with(tooloo_clock::now);
            batch.fail();
            self.start_over();
            return;
        };
        self.entries += batch.entries.len();
        for (head, number) in batch.entries.drain(..) {
            let written = Written::new(&head, segment, number);
            self.store.index.settle(&head.key, number, written);
        }
        let mut marks = lock_write(&self.store.marks);
        for mark in batch.marks.drain(..) {
            marks.add(mark, segment);
        }
        drop(marks);
        batch.finish();
    }

    fn try_commit(&mut self, batch: &mut Batch) -> Result<u64, EngineError> {
        let current = self.current()?;
        if let Some(dictionary) = &self.dictionary {
            let known = self.dictionaries.entry(current.number).or_default();
            if !known.contains(&dictionary.id()) {
                known.push(dictionary.id());
                batch.dictionary(&self.store.envelopes, dictionary);
            }
        }
        current.commit(&batch.writes)?;
        Ok(current.number)
    }
}

/// Tells whoever waits, if anyone still does.
fn tell(done: oneshot::Sender<()>) {
    let _ = done.send(());
}

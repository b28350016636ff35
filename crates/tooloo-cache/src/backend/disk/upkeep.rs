//! What the writer sees to beside writing: a segment to write to, dictionaries, marks.

use std::{sync::Arc, time::Duration};

use super::{
    batch::Batch,
    lock::lock_write,
    note::Note,
    segment::{self, SegmentFile},
    store::increment,
    writer::Writer,
};
use crate::backend::{engine::EngineError, wall_millis};

/// After the disk failed, it is left alone for so long.
const PAUSE: Duration = Duration::from_secs(1);

impl Writer {
    /// Returns the segment to write to; makes one where there is none.
    pub(super) fn current(&mut self) -> Result<Arc<SegmentFile>, EngineError> {
        if let Some(current) = &self.current {
            return Ok(Arc::clone(current));
        }
        if self.failed.is_some_and(|failed| failed.elapsed() < PAUSE) {
            return Err(EngineError::new("the disk failed a moment ago"));
        }
        self.failed = None;
        let config = &self.store.config;
        let number = self.next_segment;
        self.next_segment += 1;
        // Of a crash in between, something may be left.
        segment::discard(&*config.engine, &config.folder, number).map_err(EngineError::new)?;
        segment::mark_unmade(&config.folder, number).map_err(EngineError::new)?;
        let file = SegmentFile::open(
            &*config.engine,
            &config.folder,
            number,
            config.writing_cache(),
            true,
        )?;
        segment::lift_mark(&config.folder, number).map_err(EngineError::new)?;
        self.entries = 0;
        Ok(Arc::clone(
            self.current.insert(self.store.segments.add(file)),
        ))
    }

    /// Forgets everything, on disk too, the oldest first: what is left by a crash in between is then not
    /// missing what was removed from it.
    pub(crate) fn start_over(&mut self) {
        self.current = None;
        self.store.forget();
        for file in self.store.segments.all() {
            if file.delete().is_err() {
                increment(&self.store.counts.errors);
            }
            self.store.segments.remove(file.number);
        }
        self.dictionaries.clear();
        self.keep_dictionaries();
    }

    /// Forgets the dictionaries that no segment needs.
    pub(crate) fn keep_dictionaries(&self) {
        let mut needed: Vec<u32> = self.dictionaries.values().flatten().copied().collect();
        needed.extend(self.dictionary.as_ref().map(|dictionary| dictionary.id()));
        self.store
            .envelopes
            .dictionaries
            .retain(|id| needed.contains(&id));
    }

    /// Takes a dictionary whose training has ended, and begins to train where there is none.
    pub(super) fn keep_dictionary(&mut self) {
        if let Some(dictionary) = self.trainer.finished() {
            self.store
                .envelopes
                .dictionaries
                .add(Arc::clone(&dictionary));
            self.dictionary = Some(dictionary);
        }
        if self.dictionary.is_none() {
            self.trainer.train(None);
        }
    }

    /// Looks for a better dictionary: once a segment, so that their number is bounded.
    pub(crate) fn train_again(&mut self) {
        self.trainer.train(self.dictionary.clone());
    }

    /// Folds the marks into one where there are too many, and drops what that covers.
    pub(crate) fn keep_marks(&mut self, batch: &mut Batch) {
        let mut marks = lock_write(&self.store.marks);
        if marks.len() <= self.store.config.max_marks.get() {
            return;
        }
        let fold = marks.fold(wall_millis());
        marks.add(fold.clone(), u64::MAX);
        drop(marks);
        let number = self.store.queue.next_number();
        batch.note(&self.store.envelopes, number, &Note::Purged(fold.clone()));
        batch.marks.push(fold);
    }
}

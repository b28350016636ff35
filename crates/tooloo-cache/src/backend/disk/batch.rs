//! What is committed together, and who waits for it.

use serde::Serialize;
use tokio::sync::oneshot;

use super::note::{self, Head};
use crate::{
    Mark,
    backend::{
        dictionary::Dictionary,
        engine::{Space, Write},
        envelope::Envelopes,
    },
};

#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) writes: Vec<Write>,
    /// The entries among them, with their numbers.
    pub(crate) entries: Vec<(Head, u64)>,
    pub(crate) marks: Vec<Mark>,
    pub(crate) done: Vec<oneshot::Sender<()>>,
    pub(crate) bytes: u64,
}

impl Batch {
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    pub(crate) fn entry(&mut self, number: u64, envelope: Vec<u8>, write: Write, head: Head) {
        self.push(Write {
            space: Space::Bodies,
            number,
            record: Some(envelope),
        });
        self.push(write);
        self.entries.push((head, number));
    }

    pub(crate) fn note(&mut self, envelopes: &Envelopes, number: u64, note: &impl Serialize) {
        if let Some(write) = note::write(envelopes, Space::Notes, number, note) {
            self.push(write);
        }
    }

    pub(crate) fn dictionary(&mut self, envelopes: &Envelopes, dictionary: &Dictionary) {
        let number = u64::from(dictionary.id());
        let write = note::write(envelopes, Space::Dictionaries, number, &dictionary.bytes());
        self.writes.extend(write);
    }

    /// Deletes an entry of this segment.
    pub(crate) fn delete(&mut self, number: u64) {
        for space in [Space::Bodies, Space::Heads] {
            self.push(Write {
                space,
                number,
                record: None,
            });
        }
    }

    /// Tells those who wait, once it is committed.
    pub(crate) fn finish(&mut self) {
        for done in self.done.drain(..) {
            // Whoever waited may have gone.
            let _ = done.send(());
        }
        self.writes.clear();
        self.bytes = 0;
    }

    /// Drops it, where nothing is left that it could be about.
    pub(crate) fn fail(&mut self) {
        self.entries.clear();
        self.marks.clear();
        self.finish();
    }

    fn push(&mut self, write: Write) {
        self.bytes += write.record.as_ref().map_or(0, Vec::len) as u64 + 16;
        self.writes.push(write);
    }
}

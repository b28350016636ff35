//! Where an entry is on its way to the disk.

use super::note::Head;
use crate::backend::Erased;

/// Where an entry is.
#[derive(Clone)]
pub(crate) struct Slot {
    /// Rises with each change of what the disk is told of the key, also where only its place changes.
    pub(crate) number: u64,
    pub(crate) place: Place,
    /// Read since it was written.
    pub(crate) used: bool,
}

#[derive(Clone)]
pub(crate) enum Place {
    /// It waits: a newer one of its key may wait in its stead.
    Waiting(Waiting),
    /// The writer has begun with it: a newer one waits anew.
    Taken(Waiting),
    Written(Written),
}

/// An entry that waits to be written.
///
/// It is in the slot itself: whoever stores an entry makes nothing but a count of references.
#[derive(Clone)]
pub(crate) struct Waiting {
    /// How much of the queue's room was set aside for it: about the memory that it takes, or more.
    pub(crate) bytes: u64,
    /// Where the entry is written that it takes the place of.
    pub(crate) replaces: Option<Written>,
    pub(crate) entry: Erased,
}

/// An entry in a segment.
#[derive(Clone, Copy)]
pub(crate) struct Written {
    pub(crate) segment: u64,
    pub(crate) number: u64,
    pub(crate) plain: u32,
    pub(crate) length: u32,
    /// In milliseconds since 1970.
    pub(crate) dead_from: u64,
}

impl Slot {
    /// Returns whether its entry is the record of this number.
    pub(crate) fn is_written_as(&self, number: u64) -> bool {
        matches!(&self.place, Place::Written(written) if written.number == number)
    }

    /// Returns where its entry is written, or the one that its entry replaces.
    pub(crate) fn written(&self) -> Option<Written> {
        match &self.place {
            Place::Waiting(waiting) | Place::Taken(waiting) => waiting.replaces,
            Place::Written(written) => Some(*written),
        }
    }

    /// Returns its entry where that waits, or is being written.
    pub(crate) fn waiting(&self) -> Option<&Waiting> {
        match &self.place {
            Place::Waiting(waiting) | Place::Taken(waiting) => Some(waiting),
            Place::Written(_) => None,
        }
    }
}

impl Written {
    pub(crate) fn new(head: &Head, segment: u64, number: u64) -> Self {
        Self {
            segment,
            number,
            plain: head.plain,
            length: head.length,
            dead_from: head.record.dead_from().unwrap_or(u64::MAX),
        }
    }
}

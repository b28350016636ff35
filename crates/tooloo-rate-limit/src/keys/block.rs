//! Some slots for keys and their buckets, and the tags of them.

use std::{array, sync::OnceLock};

use tooloo_key::Key;

use super::group::{self, Group};
use crate::{
    state::Bucket,
    sync::{AtomicU64, Ordering},
};

/// Groups of slots in a block.
pub(super) const GROUPS: usize = 6;

/// Slots of a block.
pub(super) const SLOTS: usize = GROUPS * group::SLOTS;

/// Tags in one cache line, with the way to the slots, which take one each.
///
/// All blocks' slots take the same room: what one table gives back is just what the next one needs.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Block {
    groups: [AtomicU64; GROUPS],
    slots: OnceLock<Box<[Slot; SLOTS]>>,
}

/// A key and its bucket.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) key: Key,
    pub(crate) bucket: Bucket,
}

/// Holds a key and its bucket once it is taken, and never others.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Slot(OnceLock<Held>);

impl Block {
    /// What a block takes, and each of its slots.
    #[cfg(test)]
    pub(super) const SIZES: (usize, usize) = (size_of::<Self>(), size_of::<Slot>());

    #[inline]
    pub(super) fn group(&self, at: usize) -> Group {
        Group(self.groups[at].load(Ordering::Acquire))
    }

    #[inline]
    pub(super) fn held(&self, group: usize, place: usize) -> Option<&Held> {
        self.slots.get()?[group * group::SLOTS + place].0.get()
    }

    /// Takes an empty slot.
    pub(super) fn take(&self, at: usize, place: usize, tag: u64, held: Held) {
        let slots = || Box::new(array::from_fn(|_| Slot::default()));
        let slots = self.slots.get_or_init(slots);
        let taken = slots[at * group::SLOTS + place].0.set(held);
        debug_assert!(taken.is_ok(), "an empty slot was never taken");
        // Whoever sees the tag sees what it stands for.
        let tags = self.group(at).with(place, tag);
        self.groups[at].store(tags.0, Ordering::Release);
    }

    /// Forgets the key in a slot, which those who have found it may still look at.
    pub(super) fn forget(&self, at: usize, place: usize) {
        let tags = self.group(at).without(place);
        self.groups[at].store(tags.0, Ordering::Release);
    }

    /// Returns the keys of a group, with their places.
    pub(super) fn all(&self, at: usize) -> impl Iterator<Item = (usize, &Held)> {
        let places = self.group(at).held();
        places.filter_map(move |place| Some((place, self.held(at, place)?)))
    }
}

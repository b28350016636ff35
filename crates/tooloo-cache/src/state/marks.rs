//! Which purges happened, and which entries they reach: nothing is deleted to purge it.
//!
//! Each purge has a generation, and each entry the one that its fill began in. A purge reaches the entries
//! that fit its target and have a lower generation than its own.

mod marked;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use tooloo_clock::Moment;

use self::marked::Marked;
use crate::{Label, Mark, Purge, Restored, Target};

/// The purges that entries are checked against.
#[derive(Debug)]
pub(crate) struct Marks {
    /// The generation of the last purge.
    generation: u64,
    /// The number of the last change of other caches.
    sequence: u64,
    bound: usize,
    by_label: HashMap<Label, Marked>,
    by_prefix: HashMap<Box<[u8]>, Marked>,
    /// How many prefixes have each length.
    lengths: BTreeMap<usize, usize>,
    all: Marked,
    /// What has a mark of its own, by the generation of its last one.
    order: BTreeMap<u64, Target>,
    /// What is left of the marks that made room, for any label and for any key.
    forgotten_labels: Marked,
    forgotten_prefixes: Marked,
}

/// Which of the two counts an entry is compared by.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Since {
    Generation(u64),
    Sequence(u64),
}

/// What purges have made of an entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Untouched,
    /// Stale from this moment on.
    Stale(Moment),
    Purged,
}

impl Verdict {
    /// Returns from when on purges have made it stale, where one has.
    pub(crate) fn stale_from(self) -> Option<Moment> {
        match self {
            Self::Stale(moment) => Some(moment),
            Self::Untouched | Self::Purged => None,
        }
    }
}

impl Marks {
    /// Remembers purges of so many targets.
    pub(crate) fn new(bound: usize) -> Self {
        Self {
            generation: 0,
            sequence: 0,
            bound,
            by_label: HashMap::new(),
            by_prefix: HashMap::new(),
            lengths: BTreeMap::new(),
            all: Marked::default(),
            order: BTreeMap::new(),
            forgotten_labels: Marked::default(),
            forgotten_prefixes: Marked::default(),
        }
    }

    /// Takes in what an earlier run knew.
    pub(crate) fn restore(&mut self, restored: Restored, now: Moment) {
        let Restored {
            generation,
            sequence,
            mut marks,
        } = restored;
        marks.sort_unstable_by_key(|mark| mark.generation);
        self.advance(sequence);
        for mark in &marks {
            self.note(mark, now);
        }
        let last = marks.last().map_or(0, |mark| mark.generation);
        self.generation = self.generation.max(generation).max(last);
    }

    /// Gives a purge the next generation, and remembers it.
    pub(crate) fn add(
        &mut self,
        purge: Purge,
        sequence: Option<u64>,
        now: Moment,
        wall: u64,
    ) -> Mark {
        self.generation += 1;
        self.advance(sequence.unwrap_or(0));
        let mark = Mark {
            purge,
            generation: self.generation,
            sequence,
            wall,
        };
        self.note(&mark, now);
        mark
    }

    /// Gives a purge of this cache the number that it got among all caches.
    pub(crate) fn number(&mut self, mark: &Mark, sequence: u64) {
        self.advance(sequence);
        let marked = match mark.purge.target.clone() {
            Target::Tag(name) => self.by_label.get_mut(&Label::Tag(name)),
            Target::Group(name) => self.by_label.get_mut(&Label::Group(name)),
            Target::Prefix(prefix) => self.by_prefix.get_mut(&prefix),
            Target::All => Some(&mut self.all),
        };
        let marked = match mark.purge.target {
            Target::Tag(_) | Target::Group(_) => marked.unwrap_or(&mut self.forgotten_labels),
            Target::Prefix(_) | Target::All => marked.unwrap_or(&mut self.forgotten_prefixes),
        };
        marked.number(sequence, mark.purge.soft);
    }

    /// Notes a change of other caches that is no purge.
    pub(crate) fn advance(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Returns what purges have made of an entry of these labels and this key.
    pub(crate) fn verdict<'k>(
        &self,
        since: Since,
        labels: &[Label],
        key: impl FnOnce() -> Cow<'k, [u8]>,
    ) -> Verdict {
        let mut verdict = self
            .all
            .verdict(since)
            .or(self.forgotten_prefixes.verdict(since));
        if !labels.is_empty() {
            verdict = verdict.or(self.forgotten_labels.verdict(since));
        }
        for marked in labels.iter().filter_map(|label| self.by_label.get(label)) {
            verdict = verdict.or(marked.verdict(since));
        }
        if !self.lengths.is_empty() {
            let key = key();
            let lengths = self.lengths.range(..=key.len());
            for marked in lengths.filter_map(|(length, _)| self.by_prefix.get(&key[..*length])) {
                verdict = verdict.or(marked.verdict(since));
            }
        }
        verdict
    }

    fn note(&mut self, mark: &Mark, now: Moment) {
        let target = mark.purge.target.clone();
        let marked = match target.clone() {
            Target::Tag(name) => self.by_label.entry(Label::Tag(name)).or_default(),
            Target::Group(name) => self.by_label.entry(Label::Group(name)).or_default(),
            Target::Prefix(prefix) => {
                let length = prefix.len();
                self.by_prefix.entry(prefix).or_insert_with(|| {
                    *self.lengths.entry(length).or_default() += 1;
                    Marked::default()
                })
            }
            Target::All => &mut self.all,
        };
        if let Some(before) = marked.last() {
            self.order.remove(&before);
        }
        marked.add(mark, now);
        self.order.insert(mark.generation, target);
        while self.order.len() > self.bound {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, target)) = self.order.pop_first() else {
            return;
        };
        match target {
            Target::Tag(name) => self.forget_label(&Label::Tag(name)),
            Target::Group(name) => self.forget_label(&Label::Group(name)),
            Target::Prefix(prefix) => {
                if let Some(marked) = self.by_prefix.remove(&prefix) {
                    self.forgotten_prefixes.merge(marked);
                }
                if let Some(count) = self.lengths.get_mut(&prefix.len()) {
                    *count -= 1;
                }
                self.lengths.retain(|_, count| *count > 0);
            }
            // There is one of this, and it stays.
            Target::All => {}
        }
    }

    fn forget_label(&mut self, label: &Label) {
        if let Some(marked) = self.by_label.remove(label) {
            self.forgotten_labels.merge(marked);
        }
    }
}

impl Verdict {
    /// Returns what two purges have made of an entry.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Purged, _) | (_, Self::Purged) => Self::Purged,
            (Self::Stale(one), Self::Stale(other)) => Self::Stale(one.min(other)),
            (Self::Untouched, verdict) | (verdict, Self::Untouched) => verdict,
        }
    }
}

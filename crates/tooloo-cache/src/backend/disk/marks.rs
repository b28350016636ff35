//! The purges that the tier remembers, and which entries they cover.
//!
//! A mark lives in the segment that was written to when it came. Everything written after it is from
//! after it, because what it covers is not written any more; so once its segment is the oldest and goes,
//! it has nothing left to cover.

use std::collections::HashMap;

use crate::{Label, Mark, Purge, Record, Target};

#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// The newest mark for each purge, and the segment that it is in.
    newest: HashMap<Purge, (Mark, u64)>,
    /// The highest generation of any, by target, soft or hard.
    tags: HashMap<Box<str>, Reach>,
    groups: HashMap<Box<str>, Reach>,
    prefixes: HashMap<Box<[u8]>, Reach>,
    /// How long prefixes are, each length once.
    lengths: Vec<usize>,
    all: Reach,
    highest: u64,
}

/// The generations below which entries are covered.
#[derive(Clone, Copy, Debug, Default)]
struct Reach {
    hard: u64,
    any: u64,
}

impl Marks {
    /// Remembers a mark that is in this segment.
    pub(crate) fn add(&mut self, mark: Mark, segment: u64) {
        let known = self.newest.get(&mark.purge);
        // One and the same may come without its number after it came with it, when files are read.
        let is_newer = |known: &Mark| {
            (known.generation, known.sequence.is_some())
                > (mark.generation, mark.sequence.is_some())
        };
        if known.is_some_and(|(known, _)| is_newer(known)) {
            return;
        }
        self.highest = self.highest.max(mark.generation);
        let reach = match mark.purge.target() {
            Target::All => &mut self.all,
            Target::Tag(tag) => self.tags.entry(tag.clone()).or_default(),
            Target::Group(group) => self.groups.entry(group.clone()).or_default(),
            Target::Prefix(prefix) => {
                if !self.lengths.contains(&prefix.len()) {
                    self.lengths.push(prefix.len());
                }
                self.prefixes.entry(prefix.clone()).or_default()
            }
        };
        reach.any = reach.any.max(mark.generation);
        if !mark.purge.is_soft() {
            reach.hard = reach.hard.max(mark.generation);
        }
        self.newest.insert(mark.purge.clone(), (mark, segment));
    }

    /// Returns whether a hard purge covers an entry: it must not be served.
    pub(crate) fn forbid(&self, key: &[u8], record: &Record) -> bool {
        self.reaches(key, record, |reach| reach.hard)
    }

    /// Returns whether any purge covers an entry: it must not be written after it.
    pub(crate) fn cover(&self, key: &[u8], record: &Record) -> bool {
        self.reaches(key, record, |reach| reach.any)
    }

    pub(crate) fn len(&self) -> usize {
        self.newest.len()
    }

    pub(crate) fn highest(&self) -> u64 {
        self.highest
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.newest.values().map(|(mark, _)| mark)
    }

    /// Forgets the marks of a segment, with which all entries go that they cover.
    pub(crate) fn forget(&mut self, segment: u64) {
        if self.newest.values().any(|(_, of)| *of == segment) {
            let left = std::mem::take(&mut self.newest).into_values();
            let highest = self.highest;
            *self = Self::default();
            for (mark, of) in left.filter(|(_, of)| *of != segment) {
                self.add(mark, of);
            }
            self.highest = highest;
        }
    }

    /// Forgets all of them, because there are no entries.
    pub(crate) fn clear(&mut self) {
        *self = Self {
            highest: self.highest,
            ..Self::default()
        };
    }

    /// Returns a mark that covers all that these do, to take their place.
    pub(crate) fn fold(&mut self, wall: u64) -> Mark {
        let highest = self.highest;
        // Where one of them has no number, nobody else knows of it: then all are to be told of this one.
        let sequences: Option<Vec<u64>> = self.iter().map(|mark| mark.sequence).collect();
        let sequence = sequences.and_then(|sequences| sequences.into_iter().max());
        self.clear();
        Mark {
            purge: Purge::all(),
            generation: highest,
            sequence,
            wall,
        }
    }

    fn reaches(&self, key: &[u8], record: &Record, of: impl Fn(Reach) -> u64) -> bool {
        let generation = record.generation;
        if generation >= self.highest {
            return false;
        }
        let covers = |reach: Option<&Reach>| reach.is_some_and(|reach| generation < of(*reach));
        covers(Some(&self.all))
            || record.labels.iter().any(|label| match label {
                Label::Tag(tag) => covers(self.tags.get(tag)),
                Label::Group(group) => covers(self.groups.get(group)),
            })
            || self.lengths.iter().any(|length| {
                let prefix = key.get(..*length);
                prefix.is_some_and(|prefix| covers(self.prefixes.get(prefix)))
            })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn purge() -> impl Strategy<Value = Purge> {
        let name = || "[ab]{1,2}".prop_map(String::into_boxed_str);
        let target = prop_oneof![
            name().prop_map(Target::Tag),
            name().prop_map(Target::Group),
            "[ab]{0,2}".prop_map(|prefix| Target::Prefix(prefix.into_bytes().into())),
            Just(Target::All),
        ];
        (target, any::<bool>()).prop_map(|(target, soft)| {
            let purge = Purge::new(target);
            if soft { purge.soft() } else { purge }
        })
    }

    fn naive(marks: &[(Mark, u64)], key: &[u8], record: &Record, soft_too: bool) -> bool {
        marks.iter().any(|(mark, _)| {
            let reached = match mark.purge.target() {
                Target::All => true,
                Target::Prefix(prefix) => key.starts_with(prefix),
                Target::Tag(tag) => record.labels.contains(&Label::Tag(tag.clone())),
                Target::Group(group) => record.labels.contains(&Label::Group(group.clone())),
            };
            reached && record.generation < mark.generation && (soft_too || !mark.purge.is_soft())
        })
    }

    proptest! {
        #[test]
        fn marks_cover_what_they_say(
            purges in prop::collection::vec((purge(), 0..9_u64, 0..3_u64), 0..12),
            key in "[ab]{0,3}",
            generation in 0..9_u64,
            tags in prop::collection::vec("[ab]{1,2}", 0..3),
            groups in prop::collection::vec("[ab]{1,2}", 0..3),
            gone in prop::option::of(0..3_u64),
        ) {
            let tags = tags.into_iter().map(|tag| Label::Tag(tag.into()));
            let groups = groups.into_iter().map(|group| Label::Group(group.into()));
            let record = Record { generation, labels: tags.chain(groups).collect(), ..Record::default() };
            let (mut marks, mut all) = (Marks::default(), Vec::new());
            for (purge, generation, segment) in purges {
                let mark = Mark { purge, generation, sequence: None, wall: 0 };
                marks.add(mark.clone(), segment);
                // Of one purge, only the newest counts.
                let newer = all.iter().any(|(known, _): &(Mark, u64)| {
                    known.purge == mark.purge && known.generation > mark.generation
                });
                if !newer {
                    all.retain(|(known, _)| known.purge != mark.purge);
                    all.push((mark, segment));
                }
            }
            if let Some(gone) = gone {
                marks.forget(gone);
                all.retain(|(_, segment)| *segment != gone);
            }
            let key = key.as_bytes();
            prop_assert_eq!(marks.len(), all.len());
            prop_assert_eq!(marks.forbid(key, &record), naive(&all, key, &record, false));
            prop_assert_eq!(marks.cover(key, &record), naive(&all, key, &record, true));
            let had = marks.cover(key, &record);
            let fold = marks.fold(7);
            marks.add(fold, 0);
            prop_assert!(marks.forbid(key, &record) || !had);
        }
    }
}

//! The results of the last so many calls.

use std::num::NonZeroU16;

use crossbeam_utils::CachePadded;

use super::Tally;
use crate::{
    state::Mark,
    sync::{AtomicU32, AtomicU64, Ordering},
};

/// A ring of results, and what they add up to.
///
/// Recording is three steps: take a place in the ring, swap the result with the one that stood there,
/// change the sums by the difference. Between the steps the sums may be off by the calls that are
/// just being recorded; after them they are what the ring holds.
#[derive(Debug)]
pub(crate) struct ByCount {
    sums: CachePadded<AtomicU64>,
    size: u16,
    // Each a generation in the upper 30 bits and the index of a mark in the lower two. Of an older
    // generation than the present it stands for a place not taken, and counts as a good call does.
    ring: Box<[AtomicU32]>,
}

/// The word of the sums.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Sums {
    // Of the whole number the part that fits: a write would have to be 65,536 generations late to be mistaken.
    generation: u16,
    // Below the size while the ring fills, below twice the size ever after.
    position: u16,
    // Of a bad call's removal and its addition the former may come first: the sum wraps and comes back.
    failed: u16,
    slow: u16,
}

impl ByCount {
    pub(super) fn new(calls: NonZeroU16) -> Self {
        Self {
            sums: CachePadded::new(AtomicU64::new(0)),
            size: calls.get(),
            ring: (0..calls.get()).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    pub(super) fn begin(&self, generation: u64) {
        let sums = Sums {
            generation: Sums::tag(generation),
            position: 0,
            failed: 0,
            slow: 0,
        };
        self.sums.swap(sums.pack(), Ordering::AcqRel);
    }

    pub(super) fn record(&self, generation: u64, mark: Mark) -> bool {
        let Some(place) = self.take_place(generation) else {
            return false;
        };
        match self.swap(place, generation, mark) {
            Some(before) if before == mark => true,
            Some(before) => self.change_sums(generation, before, mark),
            None => false,
        }
    }

    /// Returns whether the window of this generation is full, and of good calls only.
    ///
    /// Then one more good call, in the place of the oldest, changes nothing.
    #[inline]
    pub(super) fn is_all_good(&self, generation: u64) -> bool {
        let sums = Sums::unpack(self.sums.load(Ordering::Acquire));
        let good = (Sums::tag(generation), 0, 0);
        (sums.generation, sums.failed, sums.slow) == good && sums.position >= self.size
    }

    pub(super) fn tally(&self) -> Tally {
        let sums = Sums::unpack(self.sums.load(Ordering::Acquire));
        let calls = sums.position.min(self.size);
        // What wrapped below zero is on its way back to it.
        let at_most = |sum: u16| if sum > calls { 0 } else { sum.into() };
        Tally {
            calls: calls.into(),
            failed: at_most(sums.failed),
            slow: at_most(sums.slow),
        }
    }

    pub(super) fn capacity(&self) -> u32 {
        self.size.into()
    }

    fn take_place(&self, generation: u64) -> Option<usize> {
        let size = self.size;
        let before = self.update(generation, |sums| {
            sums.position += 1;
            if sums.position == 2 * size {
                sums.position = size;
            }
        })?;
        let position = before.position;
        Some(usize::from(if position < size {
            position
        } else {
            position - size
        }))
    }

    /// Puts `mark` in its place and returns the one that stood there, or `None` where a newer
    /// generation has taken the place since.
    fn swap(&self, place: usize, generation: u64, mark: Mark) -> Option<Mark> {
        let slot = &self.ring[place];
        let generation = tag(generation);
        let mine = generation | u32::from(mark.index());
        let mut held = slot.load(Ordering::Relaxed);
        loop {
            if held == mine {
                return Some(mark);
            }
            let theirs = held & !3;
            if is_newer(theirs, generation) {
                return None;
            }
            match slot.compare_exchange_weak(held, mine, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) if theirs == generation => return Some(Mark::of_index((held & 3) as u8)),
                Ok(_) => return Some(Mark::of_index(0)),
                Err(now) => held = now,
            }
        }
    }

    fn change_sums(&self, generation: u64, from: Mark, to: Mark) -> bool {
        let change = |sum: u16, from: bool, to: bool| {
            sum.wrapping_add(u16::from(to))
                .wrapping_sub(u16::from(from))
        };
        let before = self.update(generation, |sums| {
            sums.failed = change(sums.failed, from.failed, to.failed);
            sums.slow = change(sums.slow, from.slow, to.slow);
        });
        before.is_some()
    }

    /// Changes the sums, and returns them as they were; `None`, and no change, in another generation.
    fn update(&self, generation: u64, change: impl Fn(&mut Sums)) -> Option<Sums> {
        let mut held = self.sums.load(Ordering::Acquire);
        loop {
            let before = Sums::unpack(held);
            if before.generation != Sums::tag(generation) {
                return None;
            }
            let mut after = before;
            change(&mut after);
            let after = after.pack();
            match (self.sums).compare_exchange_weak(
                held,
                after,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(before),
                Err(now) => held = now,
            }
        }
    }
}

impl Sums {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the part that fits")]
    fn tag(generation: u64) -> u16 {
        generation as u16
    }

    #[inline]
    fn pack(self) -> u64 {
        u64::from(self.generation) << 48
            | u64::from(self.position) << 32
            | u64::from(self.failed) << 16
            | u64::from(self.slow)
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "16 bits each")]
    fn unpack(word: u64) -> Self {
        Self {
            generation: (word >> 48) as u16,
            position: (word >> 32) as u16,
            failed: (word >> 16) as u16,
            slow: word as u16,
        }
    }
}

/// Returns a generation as it stands in the ring: the part that fits, above the mark's two bits.
#[expect(clippy::cast_possible_truncation, reason = "the part that fits")]
fn tag(generation: u64) -> u32 {
    (generation as u32) << 2
}

/// Returns whether one tag is newer than another; they go round, so the nearer way counts.
fn is_newer(tag: u32, than: u32) -> bool {
    let ahead = tag.wrapping_sub(than);
    ahead != 0 && ahead < 1 << 31
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Mark = Mark::of_index(0);
    const FAILED: Mark = Mark::of_index(1);
    const SLOW: Mark = Mark::of_index(2);

    fn tally(calls: u32, failed: u32, slow: u32) -> Tally {
        Tally {
            calls,
            failed,
            slow,
        }
    }

    #[test]
    fn the_oldest_result_leaves_for_the_newest() {
        let recent = ByCount::new(NonZeroU16::new(3).unwrap());
        for (mark, after) in [
            (FAILED, tally(1, 1, 0)),
            (SLOW, tally(2, 1, 1)),
            (GOOD, tally(3, 1, 1)),
            (GOOD, tally(3, 0, 1)),
            (FAILED, tally(3, 1, 0)),
            (FAILED, tally(3, 2, 0)),
            (FAILED, tally(3, 3, 0)),
            (SLOW, tally(3, 2, 1)),
        ] {
            assert!(recent.record(0, mark));
            assert_eq!(recent.tally(), after);
        }
    }

    #[test]
    fn another_generation_starts_empty_and_takes_no_older_result() {
        let recent = ByCount::new(NonZeroU16::new(2).unwrap());
        assert!(recent.record(0, FAILED) && recent.record(0, FAILED));
        recent.begin(1);
        assert_eq!(recent.tally(), tally(0, 0, 0));
        assert!(!recent.record(0, FAILED));
        assert!(recent.record(1, GOOD));
        assert_eq!(recent.tally(), tally(1, 0, 0));
        // What the ring still holds of the older one does not count when its place is taken.
        assert!(recent.record(1, FAILED));
        assert_eq!(recent.tally(), tally(2, 1, 0));
    }

    #[test]
    fn generations_go_round() {
        assert!(is_newer(tag(1), tag(0)));
        assert!(!is_newer(tag(0), tag(0)));
        assert!(!is_newer(tag(0), tag(1)));
        assert!(is_newer(tag(1 << 30), tag((1 << 30) - 1)));
    }
}

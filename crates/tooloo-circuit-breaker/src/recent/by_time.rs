//! The results of the calls that ended within the last so long.

use std::time::Duration;

use tooloo_clock::Moment;

use super::Tally;
use crate::{
    state::Mark,
    sync::{AtomicU64, Ordering},
};

/// How many parts the window moves on in.
const TENTHS: usize = 10;

/// A count for each kind of result in each tenth of the window.
///
/// Recording is one compare-and-swap of one count.
#[derive(Debug)]
pub(crate) struct ByTime {
    // Of a tenth, in nanoseconds.
    width: u64,
    tenths: [[AtomicU64; Mark::ALL.len()]; TENTHS],
}

/// A count's word, from the top: its generation, the number of its tenth, the calls.
mod word {
    pub(super) const GENERATION: u64 = 0xf << 60;
    pub(super) const TENTH: u64 = 0xf_ffff_ffff << TENTH_SHIFT;
    pub(super) const TENTH_SHIFT: u32 = 24;
    pub(super) const CALLS: u64 = (1 << TENTH_SHIFT) - 1;
}

impl ByTime {
    pub(super) fn new(window: Duration) -> Self {
        let tenth = window.as_nanos() / TENTHS as u128;
        let empty = |_| [0; 4].map(AtomicU64::new);
        Self {
            width: u64::try_from(tenth).expect("a window lasts an hour at most"),
            tenths: [0; TENTHS].map(empty),
        }
    }

    pub(super) fn begin(&self, generation: u64) {
        for count in self.tenths.iter().flatten() {
            count.swap(generation_bits(generation), Ordering::AcqRel);
        }
    }

    pub(super) fn record(&self, generation: u64, mark: Mark, now: Moment) -> bool {
        let tenth = self.tenth(now);
        let generation = generation_bits(generation);
        let tenth_bits = tenth << word::TENTH_SHIFT & word::TENTH;
        let count = &self.tenths[place(tenth)][usize::from(mark.index())];
        let mut held = count.load(Ordering::Relaxed);
        loop {
            if held & word::GENERATION != generation {
                return false;
            }
            let next = match (held & word::TENTH).cmp(&tenth_bits) {
                std::cmp::Ordering::Less => generation | tenth_bits | 1,
                std::cmp::Ordering::Equal if held & word::CALLS == word::CALLS => return true,
                std::cmp::Ordering::Equal => held + 1,
                // The window has gone once round since `now`.
                std::cmp::Ordering::Greater => return true,
            };
            match count.compare_exchange_weak(held, next, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => held = now,
            }
        }
    }

    pub(super) fn tally(&self, now: Moment) -> Tally {
        let oldest = (self.tenth(now) + 1).saturating_sub(TENTHS as u64);
        let oldest = oldest << word::TENTH_SHIFT & word::TENTH;
        let mut tally = Tally::default();
        for counts in &self.tenths {
            for (mark, count) in Mark::ALL.iter().zip(counts) {
                let held = count.load(Ordering::Acquire);
                if held & word::TENTH < oldest {
                    continue;
                }
                let calls = u32::try_from(held & word::CALLS).expect("24 bits");
                tally.calls += calls;
                tally.failed += if mark.failed { calls } else { 0 };
                tally.slow += if mark.slow { calls } else { 0 };
            }
        }
        tally
    }

    /// Returns the number of the tenth that `now` lies in.
    fn tenth(&self, now: Moment) -> u64 {
        now.as_nanos() / self.width
    }
}

/// Returns the part of a generation that fits: a write would have to be 16 of them late to be mistaken.
fn generation_bits(generation: u64) -> u64 {
    generation << 60
}

fn place(tenth: u64) -> usize {
    usize::try_from(tenth % TENTHS as u64).expect("below ten")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Mark = Mark::of_index(0);
    const FAILED: Mark = Mark::of_index(1);
    const BOTH: Mark = Mark::of_index(3);

    fn at(seconds: u64) -> Moment {
        Moment::from_nanos(seconds * 1_000_000_000)
    }

    fn counts(recent: &ByTime, now: u64) -> (u32, u32, u32) {
        let tally = recent.tally(at(now));
        (tally.calls, tally.failed, tally.slow)
    }

    #[test]
    fn results_leave_when_their_tenth_is_over() {
        let recent = ByTime::new(Duration::from_secs(10));
        assert!(recent.record(0, GOOD, at(100)));
        assert!(recent.record(0, FAILED, at(104)));
        assert!(recent.record(0, BOTH, at(109)));
        assert_eq!(counts(&recent, 109), (3, 2, 1));
        assert_eq!(counts(&recent, 110), (2, 2, 1));
        assert_eq!(counts(&recent, 113), (2, 2, 1));
        assert_eq!(counts(&recent, 114), (1, 1, 1));
        assert_eq!(counts(&recent, 119), (0, 0, 0));
        // The place of the second 104 is taken over.
        assert!(recent.record(0, FAILED, at(124)));
        assert_eq!(counts(&recent, 124), (1, 1, 0));
    }

    #[test]
    fn another_generation_starts_empty_and_takes_no_older_result() {
        let recent = ByTime::new(Duration::from_secs(10));
        assert!(recent.record(0, FAILED, at(100)));
        recent.begin(1);
        assert!(!recent.record(0, FAILED, at(100)));
        assert!(recent.record(1, GOOD, at(100)));
        assert_eq!(counts(&recent, 100), (1, 0, 0));
    }

    #[test]
    fn a_full_count_stays_full() {
        let recent = ByTime::new(Duration::from_secs(10));
        recent.tenths[0][0].store(word::CALLS | 100 << word::TENTH_SHIFT, Ordering::Relaxed);
        assert!(recent.record(0, GOOD, at(100)));
        assert_eq!(counts(&recent, 100), (0xff_ffff, 0, 0));
    }
}

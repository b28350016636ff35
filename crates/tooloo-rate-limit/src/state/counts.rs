//! How often one key was let through and sent away, in one word.

use super::tally::{Milestone, milestone};
use crate::sync::{AtomicU64, Ordering};

/// A count this high begins anew, long before it would run into the other half.
pub(crate) const FULL: u64 = 1 << 30;

/// One that was sent away.
const SENT_AWAY: u64 = 1 << 32;

/// Above every count of a half: set in both once they are counted elsewhere.
const ENDED: u64 = 1 << 31;

/// Those let through in the lower half, those sent away in the upper.
#[derive(Debug, Default)]
pub(crate) struct Counts(AtomicU64);

impl Counts {
    /// Returns how many were let through and sent away, since either was last [`FULL`].
    pub(crate) fn read(&self) -> (u64, u64) {
        halves(self.0.load(Ordering::Relaxed))
    }

    /// Counts one more.
    #[inline]
    pub(crate) fn add(&self, allowed: bool, least: u64) -> Option<Milestone> {
        let half = half(allowed);
        let counts = self.0.fetch_add(1 << half, Ordering::Relaxed);
        milestone((counts >> half) % SENT_AWAY + 1, least, ENDED)
    }

    /// Takes [`FULL`] off a count that has come to it; returns whether it has.
    pub(crate) fn begin_anew(&self, allowed: bool) -> bool {
        let half = half(allowed);
        let full = |counts: u64| counts >> half & FULL != 0;
        let less = |counts: u64| full(counts).then(|| counts - (FULL << half));
        let begun = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        begun.is_ok()
    }

    /// Ends the counting, and returns what it came to. Whoever counts later is told so.
    pub(crate) fn end(&self) -> (u64, u64) {
        let ended = ENDED | ENDED << half(false);
        halves(self.0.fetch_or(ended, Ordering::Relaxed))
    }

    pub(super) fn from(&(allowed, denied): &(u64, u64)) -> Self {
        Self(AtomicU64::new(allowed | denied << half(false)))
    }
}

#[inline]
fn half(allowed: bool) -> u32 {
    if allowed { 0 } else { 32 }
}

fn halves(counts: u64) -> (u64, u64) {
    (counts % ENDED, counts / SENT_AWAY % ENDED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_count_begins_anew_and_leaves_the_other_alone() {
        let counts = Counts::from(&(FULL - 2, FULL - 1));
        assert_eq!(counts.add(true, 0), None);
        assert_eq!(counts.add(false, 0), Some(Milestone::Came(FULL)));
        assert!(counts.begin_anew(false));
        assert!(!counts.begin_anew(false));
        assert_eq!(counts.read(), (FULL - 1, 0));
        assert_eq!(counts.add(true, 0), Some(Milestone::Came(FULL)));
        assert!(counts.begin_anew(true));
        assert_eq!(counts.add(false, 0), Some(Milestone::Came(1)));
        assert_eq!(counts.add(false, 2), None);
        assert_eq!(counts.read(), (0, 2));
    }

    #[test]
    fn who_counts_after_the_end_is_told_so() {
        let counts = Counts::from(&(5, 6));
        assert_eq!(counts.end(), (5, 6));
        assert_eq!(counts.add(true, 0), Some(Milestone::Ended));
        assert_eq!(counts.add(false, 0), Some(Milestone::Ended));
    }
}

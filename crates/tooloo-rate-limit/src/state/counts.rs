//! How often one key was let through and sent away, in one word.

use crate::sync::{AtomicU64, Ordering};

/// A count this high is moved elsewhere, long before it would run into the other half.
pub(crate) const FULL: u64 = 1 << 31;

/// One that was sent away.
const SENT_AWAY: u64 = 1 << 32;

/// Those let through in the lower half, those sent away in the upper.
#[derive(Debug, Default)]
pub(crate) struct Counts(AtomicU64);

impl Counts {
    /// Returns how many were let through and sent away, since either was last [`FULL`].
    pub(crate) fn read(&self) -> (u64, u64) {
        let counts = self.0.load(Ordering::Relaxed);
        (counts % SENT_AWAY, counts / SENT_AWAY)
    }

    /// Counts one more, and returns what its count came to; one that is [`FULL`] begins anew.
    #[inline]
    pub(crate) fn add(&self, allowed: bool) -> u64 {
        let half = if allowed { 0 } else { 32 };
        let counts = self.0.fetch_add(1 << half, Ordering::Relaxed);
        let count = (counts >> half) % SENT_AWAY + 1;
        if count == FULL {
            // No other thread sees exactly this.
            self.0.fetch_sub(FULL << half, Ordering::Relaxed);
        }
        count
    }

    pub(super) fn copy(&self) -> Self {
        Self(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_count_begins_anew_and_leaves_the_other_alone() {
        let counts = Counts(AtomicU64::new(SENT_AWAY * (FULL - 1) + FULL - 2));
        assert_eq!(counts.add(true), FULL - 1);
        assert_eq!(counts.add(false), FULL);
        assert_eq!(counts.read(), (FULL - 1, 0));
        assert_eq!(counts.add(true), FULL);
        assert_eq!(counts.add(false), 1);
        assert_eq!(counts.read(), (0, 1));
    }
}

//! Counts a key's requests: in the bucket's word, or in a tally once the key is busy.

use std::sync::Arc;

use super::{Aside, Bucket, Counts, FULL, Level, Milestone, Tally, Terms};

impl Bucket {
    /// Counts a request, and returns what is to be seen to then, which is rare; a count that is not above `least`
    /// does not matter.
    #[inline]
    pub(crate) fn count(&self, allowed: bool, least: u64) -> Option<Milestone> {
        match &self.terms.tally {
            None => self.counts.add(allowed, least),
            Some(tally) => tally.add(allowed, least),
        }
    }

    /// Returns how many were let through and sent away.
    pub(crate) fn counted(&self) -> (u64, u64) {
        let tally = self.terms.tally.as_ref();
        both(self.counts.read(), tally.map(|tally| tally.read()))
    }

    /// Ends the counting, and returns what it came to.
    pub(crate) fn end_counts(&self) -> (u64, u64) {
        let tally = self.terms.tally.as_ref();
        both(self.counts.end(), tally.map(|tally| tally.end()))
    }

    /// Whether the key is worth a tally when its count has come to this.
    pub(crate) fn is_worth_a_tally(&self, count: u64) -> bool {
        // A compound policy is under a lock anyway.
        count >= super::BUSY && self.terms.tally.is_none() && !self.terms.policy.compound
    }

    /// Begins the count anew where it is as high as the word takes, and returns what is to be
    /// remembered elsewhere.
    pub(crate) fn begin_anew(&self, allowed: bool) -> Option<(u64, u64)> {
        let begun = self.counts.begin_anew(allowed);
        begun.then_some(if allowed { (FULL, 0) } else { (0, FULL) })
    }

    /// Marks this bucket as moved and returns one that counts in a tally.
    pub(crate) fn tallied(&self, tally: Arc<Tally>) -> Result<Self, Aside> {
        let (full_at, held) = self.level.take()?;
        Ok(Self {
            level: Level::new(full_at, held),
            terms: Arc::new(Terms {
                policy: Arc::clone(&self.terms.policy),
                levels: None,
                tally: Some(tally),
            }),
            counts: Counts::from(&self.counts.end()),
        })
    }
}

fn both(word: (u64, u64), tally: Option<(u64, u64)>) -> (u64, u64) {
    let tally = tally.unwrap_or_default();
    (word.0 + tally.0, word.1 + tally.1)
}

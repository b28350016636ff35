//! Counts what was decided, and gives busy keys tallies of their own.

use super::Engine;
use crate::{
    RateLimited,
    keys::Pinned,
    state::{Aside, Bucket, FULL, Milestone},
};

impl Engine {
    /// Counts a request, in all and for its key.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "where it is known what is counted, half of it falls away"
    )]
    pub(super) fn count(&self, pinned: &Pinned<'_>, bucket: &Bucket, allowed: bool) {
        self.figures.count(allowed);
        let least = self.figures.board.least();
        if let Some(milestone) = bucket.count(allowed, least) {
            self.mark(pinned, milestone, allowed);
        }
    }

    /// Counts as [`count`](Self::count) does, where that need not be quick.
    #[inline(never)]
    pub(super) fn count_seldom(&self, pinned: &Pinned<'_>, bucket: &Bucket, allowed: bool) {
        self.count(pinned, bucket, allowed);
    }

    pub(super) fn count_result(&self, pinned: &Pinned<'_>, result: &Result<(), RateLimited>) {
        match pinned.find() {
            Some(bucket) => self.count_seldom(pinned, bucket, result.is_ok()),
            // Forgotten meanwhile: full as it was.
            None => self.figures.count(result.is_ok()),
        }
    }

    #[cold]
    fn mark(&self, pinned: &Pinned<'_>, milestone: Milestone, allowed: bool) {
        match milestone {
            Milestone::Came(count) => self.came(pinned, count, allowed),
            Milestone::Ended => self.count_on(pinned, allowed),
        }
    }

    /// Counts in the bucket that took the place of the one that decided.
    fn count_on(&self, pinned: &Pinned<'_>, allowed: bool) {
        let least = self.figures.board.least();
        let count = |bucket: &Bucket| bucket.count(allowed, least);
        let counted = pinned.steadily(|bucket| bucket.map(count));
        match (counted, pinned.key()) {
            (Some(Some(Milestone::Came(count))), _) => self.came(pinned, count, allowed),
            // The key was forgotten.
            (None, Some(key)) => {
                let one = if allowed { (1, 0) } else { (0, 1) };
                self.figures.board.remember(key, one);
            }
            _ => {}
        }
    }

    /// Sees to what is due when a key's count has come so far.
    fn came(&self, pinned: &Pinned<'_>, count: u64, allowed: bool) {
        let Some(bucket) = pinned.find() else { return };
        if let Some(key) = pinned.key() {
            let (let_through, sent_away) = bucket.counted();
            self.figures.board.offer(key, let_through + sent_away);
        }
        if count == FULL {
            let anew =
                |bucket: Option<&Bucket>| bucket.and_then(|bucket| bucket.begin_anew(allowed));
            if let (Some(past), Some(key)) = (pinned.steadily(anew), pinned.key()) {
                self.figures.board.remember(key, past);
            }
        }
        // Whoever holds the lock may be this thread. There is another milestone at twice the count.
        if bucket.is_worth_a_tally(count)
            && let Ok(_room) = self.room.try_lock()
            && let Some(tally) = self.seats.tally()
        {
            // Another may stand in the place of the one that was asked.
            pinned.replace(|bucket| {
                let worth = bucket.is_worth_a_tally(count);
                if worth {
                    bucket.tallied(tally)
                } else {
                    Err(Aside::Held)
                }
            });
        }
    }
}

//! Counts what was decided, and gives busy keys tallies of their own.

use tooloo_hub::Thread;

use super::Engine;
use crate::{
    RateLimited,
    keys::Pinned,
    state::{Bucket, Milestone},
};

impl Engine {
    /// Counts a request, in all and for its key.
    #[inline]
    pub(super) fn count(&self, pinned: &Pinned<'_>, bucket: &Bucket, allowed: bool) {
        let thread = Thread::current();
        self.figures.count(thread, allowed);
        if let Some(milestone) = bucket.count(thread, allowed) {
            self.mark(pinned, bucket, milestone, allowed);
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
            None => self.figures.count(Thread::current(), result.is_ok()),
        }
    }

    #[cold]
    fn mark(&self, pinned: &Pinned<'_>, bucket: &Bucket, milestone: Milestone, allowed: bool) {
        if let Some(key) = pinned.key() {
            self.figures.look(key, bucket, milestone, allowed);
        }
        let Milestone::Came(count) = milestone else {
            return;
        };
        if !bucket.is_worth_a_tally(count) {
            return;
        }
        // Whoever holds the lock may be this thread. There is another milestone at twice the count.
        if let Ok(_room) = self.room.try_lock()
            && let Some(tally) = self.seats.tally()
            && let Ok(tallied) = bucket.tallied(tally)
        {
            pinned.replace(tallied);
        }
    }
}

//! What a limiter counts: exact, and spread over threads.

mod board;

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering},
};

use tooloo_hub::{Sharded, Thread};
use tooloo_key::Key;

pub(crate) use self::board::Board;
use crate::state::{Bucket, Milestone};

/// How often requests were let through and sent away, in all and by the busiest keys.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    counts: Sharded<Counts>,
    pub(crate) board: Board,
}

#[derive(Debug, Default)]
struct Counts {
    allowed: AtomicU64,
    denied: AtomicU64,
    queued: AtomicU64,
    cancelled: AtomicU64,
}

/// All counts, added up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) allowed: u64,
    pub(crate) denied: u64,
    pub(crate) queued: u64,
    pub(crate) cancelled: u64,
}

impl Figures {
    #[inline]
    pub(crate) fn count(&self, thread: Thread, allowed: bool) {
        let counts = self.counts.of(thread);
        add(if allowed {
            &counts.allowed
        } else {
            &counts.denied
        });
    }

    /// Looks at a key whose count has come to a milestone.
    pub(crate) fn look(&self, key: &Key, bucket: &Bucket, milestone: Milestone, allowed: bool) {
        let Milestone::Came(count) = milestone else {
            let one = if allowed { (1, 0) } else { (0, 1) };
            return self.board.remember(key, one);
        };
        let (let_through, sent_away) = bucket.counted();
        self.board.offer(key, let_through + sent_away);
        if let Some(past) = bucket.begin_anew(count, allowed) {
            self.board.remember(key, past);
        }
    }

    /// Counts a request that waits.
    pub(crate) fn queue(&self) {
        add(&self.counts.own().queued);
    }

    /// Counts a request that gave up waiting.
    pub(crate) fn cancel(&self) {
        add(&self.counts.own().cancelled);
    }

    pub(crate) fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for counts in self.counts.all() {
            totals.allowed += read(&counts.allowed);
            totals.denied += read(&counts.denied);
            totals.queued += read(&counts.queued);
            totals.cancelled += read(&counts.cancelled);
        }
        totals
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.allowed += other.allowed;
        self.denied += other.denied;
        self.queued += other.queued;
        self.cancelled += other.cancelled;
    }
}

#[inline]
fn add(count: &AtomicU64) {
    count.fetch_add(1, Ordering::Relaxed);
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

//! What a limiter counts: exact, and spread over threads.

mod board;
mod shard;

use std::{
    ops::AddAssign,
    sync::atomic::{AtomicU64, Ordering},
};

use tooloo_key::Key;

pub(crate) use self::board::Board;
use self::shard::Sharded;
use crate::state::{Bucket, FULL};

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
    pub(crate) fn allow(&self, key: Option<&Key>, bucket: &Bucket) {
        add(&self.counts.own().allowed);
        self.count(key, bucket, true);
    }

    #[inline]
    pub(crate) fn deny(&self, key: Option<&Key>, bucket: &Bucket) {
        add(&self.counts.own().denied);
        self.count(key, bucket, false);
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

    #[inline]
    fn count(&self, key: Option<&Key>, bucket: &Bucket, allowed: bool) {
        let count = bucket.counts.add(allowed);
        if count.is_power_of_two()
            && let Some(key) = key
        {
            self.offer(key, bucket, count, allowed);
        }
    }

    #[cold]
    fn offer(&self, key: &Key, bucket: &Bucket, count: u64, allowed: bool) {
        let (let_through, sent_away) = bucket.counts.read();
        if count < FULL {
            return self.board.offer(key, let_through + sent_away);
        }
        // The bucket counts from the beginning again.
        self.board.offer(key, let_through + sent_away + FULL);
        let past = if allowed { (FULL, 0) } else { (0, FULL) };
        self.board.forget(vec![(key.clone(), past.0, past.1)]);
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
fn add(count: &AtomicU64) -> u64 {
    count.fetch_add(1, Ordering::Relaxed) + 1
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}

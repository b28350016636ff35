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
use crate::state::Bucket;

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
        let allowed = add(&bucket.allowed);
        if allowed.is_power_of_two() {
            self.offer(key, bucket);
        }
    }

    #[inline]
    pub(crate) fn deny(&self, key: Option<&Key>, bucket: &Bucket) {
        add(&self.counts.own().denied);
        let denied = add(&bucket.denied);
        if denied.is_power_of_two() {
            self.offer(key, bucket);
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

    #[cold]
    fn offer(&self, key: Option<&Key>, bucket: &Bucket) {
        if let Some(key) = key {
            self.board
                .offer(key, read(&bucket.allowed) + read(&bucket.denied));
        }
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

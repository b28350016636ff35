//! What a limiter counts: exact, and spread over threads.

mod board;

use std::{ops::AddAssign, sync::atomic::AtomicU64};

use tooloo_hub::PerThread;

pub(crate) use self::board::Board;

/// How often requests were let through and sent away, in all and by the busiest keys.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    counts: PerThread<Counts>,
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
    pub(crate) fn count(&self, allowed: bool) {
        self.counts.add(1, |counts| {
            if allowed {
                &counts.allowed
            } else {
                &counts.denied
            }
        });
    }

    /// Counts a request that waits.
    pub(crate) fn queue(&self) {
        self.counts.add(1, |counts| &counts.queued);
    }

    /// Counts a request that gave up waiting.
    pub(crate) fn cancel(&self) {
        self.counts.add(1, |counts| &counts.cancelled);
    }

    pub(crate) fn totals(&self) -> Totals {
        let sum = |of: fn(&Counts) -> &AtomicU64| self.counts.sum(of);
        Totals {
            allowed: sum(|counts| &counts.allowed),
            denied: sum(|counts| &counts.denied),
            queued: sum(|counts| &counts.queued),
            cancelled: sum(|counts| &counts.cancelled),
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

//! How often a busy key was let through and sent away: each thread counts apart.
//!
//! A word that two threads count in travels between them with every request, which costs more than
//! all the rest of a decision. A key that is busy enough to be worth the memory has one for each.

use std::sync::Arc;

use tooloo_hub::Sharded;

use super::counts::FULL;
use crate::sync::{AtomicU64, Ordering};

/// A key that was let through or sent away as often counts in a tally from then on.
pub(crate) const BUSY: u64 = 1 << 12;

/// Tallies in one limiter: more keys are not busy at once, and each takes a cache line a thread.
const MOST: usize = 256;

/// Set in both counts once they are counted elsewhere.
const ENDED: u64 = 1 << 63;

/// How often a busy key was let through and sent away.
#[derive(Debug)]
pub(crate) struct Tally {
    shards: Sharded<Pair>,
    _seat: Arc<()>,
}

/// Bounds the number of tallies: each holds one of these.
#[derive(Debug, Default)]
pub(crate) struct Seats(Arc<()>);

#[derive(Debug, Default)]
struct Pair {
    allowed: AtomicU64,
    denied: AtomicU64,
}

/// What is to be seen to once a request is counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Milestone {
    /// The count has come to this power of two, which is above the least that matters.
    Came(u64),
    /// The key is counted elsewhere by now, and so must this request be.
    Ended,
}

impl Seats {
    /// Makes a tally, unless there are as many as may be.
    pub(crate) fn tally(&self) -> Option<Arc<Tally>> {
        let free = Arc::strong_count(&self.0) <= MOST;
        free.then(|| {
            Arc::new(Tally {
                shards: Sharded::default(),
                _seat: Arc::clone(&self.0),
            })
        })
    }
}

impl Tally {
    /// Counts one more.
    #[inline]
    pub(super) fn add(&self, allowed: bool, least: u64) -> Option<Milestone> {
        let pair = self.shards.own();
        let count = if allowed { &pair.allowed } else { &pair.denied };
        milestone(count.fetch_add(1, Ordering::Relaxed) + 1, least, ENDED)
    }

    /// Returns how many were let through and sent away.
    pub(super) fn read(&self) -> (u64, u64) {
        self.sum(|count| count.load(Ordering::Relaxed))
    }

    /// Ends the counting, and returns what it came to.
    pub(super) fn end(&self) -> (u64, u64) {
        self.sum(|count| count.fetch_or(ENDED, Ordering::Relaxed))
    }

    fn sum(&self, of: impl Fn(&AtomicU64) -> u64) -> (u64, u64) {
        let counts = self.shards.all();
        counts.fold((0, 0), |(allowed, denied), pair| {
            let more = (of(&pair.allowed) % ENDED, of(&pair.denied) % ENDED);
            (allowed + more.0, denied + more.1)
        })
    }
}

#[inline]
#[expect(
    clippy::manual_is_power_of_two,
    reason = "it counts bits, which takes ten times as long where the processor cannot"
)]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "one question that is seldom answered with yes: the processor need not guess"
)]
pub(super) fn milestone(count: u64, least: u64, ended: u64) -> Option<Milestone> {
    if (count & (count - 1) == 0) & (count > least) {
        Some(Milestone::Came(count))
    } else if count > ended {
        Some(Milestone::Ended)
    } else {
        None
    }
}

const _: () = assert!(BUSY < FULL, "a key is busy before its count is full");

//! The busiest keys, bounded in number.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use tooloo_key::Key;

use crate::{keys::Forgotten, state::BUSY};

/// Keys that are candidates for the busiest.
const CANDIDATES: usize = 64;

/// Keys that are shown.
const SHOWN: usize = 10;

/// The candidates for the busiest keys.
///
/// Each key counts for itself, and is offered here whenever a count of its comes to a power of two: a
/// handful of times in its life. A busy key can so be missed only while more than fifty others have
/// come to half its count.
#[derive(Debug, Default)]
pub(crate) struct Board {
    candidates: Mutex<Vec<Candidate>>,
    // What a key must exceed to get onto a full board.
    floor: AtomicU64,
}

#[derive(Debug)]
struct Candidate {
    key: Key,
    count: u64,
    // From before its bucket was forgotten.
    past: (u64, u64),
}

impl Board {
    /// Returns what a key must have been let through or sent away more often than to be worth looking at.
    #[inline]
    pub(crate) fn least(&self) -> u64 {
        // Both together may come to twice as much. Busy keys are looked at for more than the board.
        (self.floor.load(Ordering::Relaxed) / 2).min(BUSY - 1)
    }

    /// Puts `key` on the board if its count is among the highest.
    pub(crate) fn offer(&self, key: &Key, count: u64) {
        if count <= self.floor.load(Ordering::Relaxed) {
            return;
        }
        let mut candidates = self.candidates();
        let fresh = || Candidate {
            key: key.clone(),
            count,
            past: (0, 0),
        };
        if let Some(known) = candidates.iter_mut().find(|known| known.key == *key) {
            known.count = known.past.0 + known.past.1 + count;
        } else if candidates.len() < CANDIDATES {
            candidates.push(fresh());
        } else if let Some(least) = candidates.iter_mut().min_by_key(|known| known.count)
            && least.count < count
        {
            *least = fresh();
        }
        if candidates.len() == CANDIDATES {
            let floor = candidates.iter().map(|known| known.count).min();
            self.floor.store(floor.unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// Remembers the counts of candidates whose buckets are forgotten.
    pub(crate) fn forget(&self, forgotten: Vec<Forgotten>) {
        let floor = self.floor.load(Ordering::Relaxed);
        for (key, allowed, denied) in forgotten {
            if allowed + denied >= floor.max(1) {
                self.remember(&key, (allowed, denied));
            }
        }
    }

    /// Remembers what a candidate's bucket counts no more.
    pub(crate) fn remember(&self, key: &Key, (allowed, denied): (u64, u64)) {
        let mut candidates = self.candidates();
        if let Some(known) = candidates.iter_mut().find(|known| known.key == *key) {
            known.past.0 += allowed;
            known.past.1 += denied;
        }
    }

    /// Returns the busiest keys and how often each was let through and sent away, busiest first;
    /// `present` tells what a key's bucket has counted.
    pub(crate) fn top(&self, present: impl Fn(&Key) -> (u64, u64)) -> Vec<(Key, u64, u64)> {
        let candidates = self.candidates();
        let counted = candidates.iter().map(|known| {
            let (allowed, denied) = present(&known.key);
            (
                known.key.clone(),
                known.past.0 + allowed,
                known.past.1 + denied,
            )
        });
        let mut top: Vec<_> = counted.collect();
        drop(candidates);
        top.sort_by(|a, b| (b.1 + b.2).cmp(&(a.1 + a.2)).then_with(|| a.0.cmp(&b.0)));
        top.truncate(SHOWN);
        top
    }

    fn candidates(&self) -> MutexGuard<'_, Vec<Candidate>> {
        self.candidates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

//! The level of one token bucket, shared between threads without a lock.
//!
//! One word holds the tick at which the bucket will be full again, and in its highest bit that the
//! bucket is not for everyone to spend from: requests wait for it, or it has left the map.

use super::gcra::Charge;
use crate::sync::{AtomicU64, Ordering};

/// Set while requests wait: only they may spend, in their order.
const HELD: u64 = 1 << 63;

/// The bucket was full, and is in the map no more.
const GONE: u64 = u64::MAX;

/// The bucket is being replaced by another of its key.
const MOVED: u64 = u64::MAX - 1;

/// When the bucket will be full, in ticks of its quota.
#[derive(Debug)]
pub(crate) struct Level(AtomicU64);

/// What came of spending.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Spend {
    /// The tokens are spent.
    Admitted,
    /// There are too few until this tick; nothing is spent.
    Short(u64),
    /// Nothing is spent, and nothing is known.
    Aside(Aside),
}

/// Why a bucket is not for everyone to spend from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Aside {
    /// Requests wait for it.
    Held,
    /// It was evicted: the key has a full bucket again, which is not in the map.
    Gone,
    /// Another is taking its place.
    Moved,
}

impl Level {
    pub(crate) fn new(full_at: u64, held: bool) -> Self {
        Self(AtomicU64::new(full_at | if held { HELD } else { 0 }))
    }

    /// Spends tokens, unless the bucket is set aside.
    #[inline]
    pub(crate) fn spend(&self, charge: Charge) -> Spend {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            if let Some(aside) = aside(word) {
                return Spend::Aside(aside);
            }
            let spent = match charge.spend(word) {
                Ok(spent) => spent,
                Err(until) => return Spend::Short(until),
            };
            match self.exchange(word, spent) {
                Ok(()) => return Spend::Admitted,
                Err(changed) => word = changed,
            }
        }
    }

    /// Spends on behalf of those who wait. Only the holder of the waiting order's lock may.
    pub(crate) fn spend_held(&self, charge: Charge) -> Spend {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            if let Some(aside @ (Aside::Gone | Aside::Moved)) = aside(word) {
                return Spend::Aside(aside);
            }
            let spent = match charge.spend(word & !HELD) {
                Ok(spent) => spent,
                Err(until) => return Spend::Short(until),
            };
            match self.exchange(word, spent | word & HELD) {
                Ok(()) => return Spend::Admitted,
                Err(changed) => word = changed,
            }
        }
    }

    /// Replaces the level by what `change` makes of it, unless the bucket is gone.
    pub(crate) fn change(&self, change: impl Fn(u64) -> u64) -> Result<(), Aside> {
        self.update(|word| change(word & !HELD) | word & HELD)
    }

    /// Sets the bucket aside for those who wait.
    pub(crate) fn hold(&self) -> Result<(), Aside> {
        self.update(|word| word | HELD)
    }

    /// Gives the bucket back to everyone.
    pub(crate) fn release(&self) -> Result<(), Aside> {
        self.update(|word| word & !HELD)
    }

    /// Marks the bucket as gone if it is full at `now` and nobody waits.
    pub(crate) fn retire(&self, now: u64) -> bool {
        let word = self.0.load(Ordering::Acquire);
        word <= now && aside(word).is_none() && self.exchange(word, GONE).is_ok()
    }

    /// Marks the bucket as moved, and returns its last level and whether it was held.
    pub(crate) fn take(&self) -> Result<(u64, bool), Aside> {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            if let Some(aside @ (Aside::Gone | Aside::Moved)) = aside(word) {
                return Err(aside);
            }
            match self.exchange(word, MOVED) {
                Ok(()) => return Ok((word & !HELD, word & HELD != 0)),
                Err(changed) => word = changed,
            }
        }
    }

    /// Returns the level, or zero of a bucket that is gone, which is full.
    #[inline]
    pub(crate) fn full_at(&self) -> u64 {
        self.unmoved().unwrap_or(0)
    }

    /// Returns the level as [`full_at`](Self::full_at) does, or `None` where another is taking its place.
    #[inline]
    pub(crate) fn unmoved(&self) -> Option<u64> {
        match self.0.load(Ordering::Acquire) {
            MOVED => None,
            GONE => Some(0),
            word => Some(word & !HELD),
        }
    }

    #[inline]
    pub(crate) fn aside(&self) -> Option<Aside> {
        aside(self.0.load(Ordering::Acquire))
    }

    fn update(&self, change: impl Fn(u64) -> u64) -> Result<(), Aside> {
        let mut word = self.0.load(Ordering::Acquire);
        loop {
            if let Some(aside @ (Aside::Gone | Aside::Moved)) = aside(word) {
                return Err(aside);
            }
            match self.exchange(word, change(word)) {
                Ok(()) => return Ok(()),
                Err(changed) => word = changed,
            }
        }
    }

    #[inline]
    fn exchange(&self, from: u64, to: u64) -> Result<(), u64> {
        let exchanged = self
            .0
            .compare_exchange_weak(from, to, Ordering::AcqRel, Ordering::Acquire);
        exchanged.map(drop)
    }
}

#[inline]
fn aside(word: u64) -> Option<Aside> {
    match word {
        GONE => Some(Aside::Gone),
        MOVED => Some(Aside::Moved),
        word if word & HELD != 0 => Some(Aside::Held),
        _ => None,
    }
}

//! What tells at one glance that an entry is fresh, in one word.
//!
//! It lies beside the reference count, in the same sixteen bytes: allocators do not part these over two cache lines, so a
//! hit reads one line of an entry, unless its value is aligned to more than a word.

use std::time::Duration;

use tooloo_clock::Moment;

use crate::sync::{AtomicU64, Ordering};

/// Up to when an entry is fresh for certain, and in which generation that was found.
///
/// The time is in ticks, rounded down, and of the generation there are the low bits. That these come round, by more
/// purges than a process can do in that time, takes longer than a glance is [good for](LASTS).
#[derive(Debug)]
pub(super) struct Glance(AtomicU64);

/// How long a closer look is good for.
pub(super) const LASTS: Duration = Duration::from_secs(60);

/// Bits of the generation; the others suffice for eighteen years of ticks.
pub(super) const GENERATION: u32 = 28;
const MASK: u64 = (1 << GENERATION) - 1;
const LAST_TICK: u64 = u64::MAX >> GENERATION;

/// A tick is 2 to the power of this in nanoseconds, eight milliseconds.
pub(super) const TICK: u32 = 23;

impl Glance {
    #[inline]
    pub(super) fn new(attend_from: Moment, now: Moment, generation: u64) -> Self {
        Self(AtomicU64::new(word(attend_from, now, generation)))
    }

    #[inline]
    pub(super) fn holds(&self, now: Moment, generation: u64) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        tick(now) < word >> GENERATION && (word ^ generation) & MASK == 0
    }

    /// Says what a closer look at `now` has found: from when on the entry is to be attended to, and up to which generation
    /// no purge reaches it.
    pub(super) fn renew(&self, attend_from: Moment, now: Moment, generation: u64) {
        self.0
            .store(word(attend_from, now, generation), Ordering::Relaxed);
    }
}

#[inline]
fn word(attend_from: Moment, now: Moment, generation: u64) -> u64 {
    let until = attend_from.min(now + LASTS);
    tick(until) << GENERATION | (generation & MASK)
}

#[inline]
fn tick(moment: Moment) -> u64 {
    (moment.as_nanos() >> TICK).min(LAST_TICK)
}

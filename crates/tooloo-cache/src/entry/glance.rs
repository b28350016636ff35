//! What tells at one glance that an entry is fresh, in one word.
//!
//! It lies beside the reference count, in sixteen bytes that allocators do not part over two cache lines: a hit reads
//! one line of an entry.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tooloo_clock::Moment;

/// Up to when an entry is fresh for certain, and in which generation that was found.
///
/// The time is in ticks, rounded down, and of the generation there are the low bits. That these come round, by more
/// purges than a process can do in that time, takes longer than a glance is [good for](LASTS).
#[derive(Debug)]
pub(super) struct Glance(AtomicU64);

/// How long a closer look is good for.
const LASTS: Duration = Duration::from_secs(60);

/// Bits of the generation; the others suffice for eighteen years of ticks.
const GENERATION: u32 = 28;
const MASK: u64 = (1 << GENERATION) - 1;
const LAST_TICK: u64 = u64::MAX >> GENERATION;

/// A tick is 2 to the power of this in nanoseconds, eight milliseconds.
const TICK: u32 = 23;

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

    /// Says what a closer look at `now` has found: from when on the entry is to be attended to, in a generation that no
    /// purge up to reaches it.
    pub(super) fn renew(&self, attend_from: Moment, now: Moment, generation: u64) {
        self.0
            .store(word(attend_from, now, generation), Ordering::Relaxed);
    }

    /// Asks for a closer look.
    pub(super) fn doubt(&self) {
        self.0.store(0, Ordering::Relaxed);
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_for_what_is_fresh_and_unpurged_only(
            attend_from in any::<u64>(),
            made in any::<u64>(),
            looked in any::<u64>(),
            generation in any::<u64>(),
            purges in 0_u64..1 << GENERATION,
        ) {
            let [attend_from, made, now] = [attend_from, made, looked].map(Moment::from_nanos);
            let glance = Glance::new(attend_from, made, generation);
            if glance.holds(now, generation.wrapping_add(purges)) {
                prop_assert!(now < attend_from && now < made + LASTS);
                prop_assert_eq!(purges, 0);
            }
        }
    }

    #[test]
    fn it_holds_up_to_a_tick_before_its_end() {
        let (now, hour) = (Moment::from_nanos(1 << 40), Duration::from_secs(3600));
        let second = Duration::from_secs(1);
        let glance = Glance::new(now + second, now, 7);
        assert!(glance.holds(now + Duration::from_millis(991), 7));
        assert!(!glance.holds(now + second, 7));
        assert!(!glance.holds(now, 8));
        let glance = Glance::new(now + hour, now, 7);
        assert!(glance.holds(now + Duration::from_secs(59), 7));
        assert!(!glance.holds(now + LASTS, 7));
        glance.renew(now + hour, now + LASTS, 7);
        assert!(glance.holds(now + LASTS, 7));
        glance.doubt();
        assert!(!glance.holds(now, 0));
    }

    #[test]
    fn a_machine_that_is_up_for_decades_has_each_entry_looked_at() {
        let now = Moment::from_nanos(1 << 62);
        assert!(!Glance::new(now + LASTS, now, 7).holds(now, 7));
    }
}

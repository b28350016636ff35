//! How many requests began, ended and were sampled, and how many ended in the last minute.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tooloo_hub::Sharded;

/// Seconds that throughput is told over.
const WINDOW: u32 = 60;
const SLOTS: usize = 64;

/// Counts requests; threads write to shards of their own.
#[derive(Debug)]
pub(crate) struct Counts {
    shards: Sharded<Shard>,
}

#[derive(Debug)]
struct Shard {
    began: AtomicU64,
    ended: AtomicU64,
    sampled: AtomicU64,
    // One slot a second: the second in the high half, its count in the low half.
    seconds: [AtomicU64; SLOTS],
}

impl Counts {
    pub(crate) fn new() -> Self {
        Self {
            shards: Sharded::default(),
        }
    }

    #[inline]
    pub(crate) fn begin(&self, sampled: bool) {
        let shard = self.shards.own();
        shard.began.fetch_add(1, Ordering::Relaxed);
        if sampled {
            shard.sampled.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts one end in `second`, which counts from the tracer's start.
    #[inline]
    pub(crate) fn end(&self, second: u32) {
        let shard = self.shards.own();
        shard.ended.fetch_add(1, Ordering::Release);
        let slot = &shard.seconds[second as usize % SLOTS];
        let fresh = u64::from(second) << 32;
        // An add is enough unless the slot still holds a second of a minute ago.
        if slot.load(Ordering::Relaxed) >> 32 == u64::from(second) {
            slot.fetch_add(1, Ordering::Relaxed);
        } else {
            let _ = slot.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                Some(held.max(fresh) + 1)
            });
        }
    }

    pub(crate) fn began(&self) -> u64 {
        self.sum(|shard| shard.began.load(Ordering::Relaxed))
    }

    /// Returns how many have begun and not ended.
    pub(crate) fn active(&self) -> u64 {
        // Ends are read first: what ends in between would make the difference negative.
        let ended = self.sum(|shard| shard.ended.load(Ordering::Acquire));
        self.began().saturating_sub(ended)
    }

    pub(crate) fn sampled(&self) -> u64 {
        self.sum(|shard| shard.sampled.load(Ordering::Relaxed))
    }

    /// Returns how many ended a second, over the last minute or since the start if that is later.
    ///
    /// `age` is how long ago the tracer started; of no time at all there is no rate.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate is shown, not counted on"
    )]
    pub(crate) fn throughput(&self, age: Duration) -> Option<f64> {
        let second = u32::try_from(age.as_secs()).unwrap_or(u32::MAX);
        let recent = self.sum(|shard| {
            let slots = shard
                .seconds
                .iter()
                .map(|slot| slot.load(Ordering::Relaxed));
            let recent = slots
                .filter(|slot| u64::from(second).saturating_sub(slot >> 32) < u64::from(WINDOW));
            recent.map(|slot| slot & u64::from(u32::MAX)).sum()
        });
        // The window's first second is only partly over at its near end.
        let window = age
            .as_secs_f64()
            .min(f64::from(WINDOW - 1) + f64::from(age.subsec_nanos()) * 1e-9);
        (window > 0.0).then(|| recent as f64 / window)
    }

    fn sum(&self, read: impl Fn(&Shard) -> u64) -> u64 {
        self.shards.all().map(read).sum()
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            began: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            sampled: AtomicU64::new(0),
            seconds: [const { AtomicU64::new(0) }; SLOTS],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_the_rate_of_the_last_minute_only() {
        let counts = Counts::new();
        for second in 0..200 {
            for _ in 0..5 {
                counts.begin(false);
                counts.end(second);
            }
        }
        let rate = counts.throughput(Duration::from_secs(200)).unwrap();
        assert!((rate - 5.0).abs() < 0.1, "{rate}");
        let later = counts.throughput(Duration::from_secs(230)).unwrap();
        assert!((later - 2.5).abs() < 0.1, "{later}");
        assert!(counts.throughput(Duration::from_secs(300)).unwrap().abs() < f64::EPSILON);
    }

    #[test]
    fn a_young_tracer_divides_by_its_age() {
        let counts = Counts::new();
        assert_eq!(counts.throughput(Duration::ZERO), None);
        (0..20).for_each(|_| counts.end(1));
        let rate = counts.throughput(Duration::from_secs(2)).unwrap();
        assert!((rate - 10.0).abs() < f64::EPSILON);
    }

    #[test]
    fn what_began_and_has_not_ended_is_active() {
        let counts = Counts::new();
        counts.begin(true);
        counts.begin(false);
        counts.end(0);
        assert_eq!(
            (counts.began(), counts.active(), counts.sampled()),
            (2, 1, 1)
        );
    }
}

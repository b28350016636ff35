//! Forgets the keys whose buckets are full again, a few at a time.

use std::time::Duration;

use papaya::LocalGuard;
use tooloo_clock::Moment;
use tooloo_key::Key;

use super::{FEW, Forgotten, Keys, Shard};
use crate::sync::{Ordering, lock};

/// How long a bucket has been full when it is forgotten, where there is room for it.
const IDLE: Duration = Duration::from_secs(60);

/// What the last sweep of a shard left.
#[derive(Debug)]
pub(super) struct Sweep {
    left: usize,
    // When the first of them will be full.
    idle_at: Moment,
}

impl Keys {
    /// Forgets every key whose bucket is full at `now`.
    pub(crate) fn sweep(&self, now: Moment) -> Vec<Forgotten> {
        let shards = self.shards.iter();
        shards
            .flat_map(|shard| self.sweep_shard(shard, &mut lock(&shard.sweep), now))
            .collect()
    }

    /// Looks for room: each key that finds none pays for a few that are looked at.
    pub(super) fn sweep_next(&self, now: Moment) -> Vec<Forgotten> {
        let shards = self.shards.len();
        let every = (self.max.load(Ordering::Relaxed) / shards / FEW).max(1);
        let turn = self.strangers.fetch_add(1, Ordering::Relaxed);
        if !turn.is_multiple_of(every) {
            return Vec::new();
        }
        let shard = &self.shards[turn / every % shards];
        match shard.sweep.try_lock() {
            Ok(mut sweep) if now >= sweep.idle_at || shard.came.load(Ordering::Relaxed) > 0 => {
                self.sweep_shard(shard, &mut sweep, now)
            }
            _ => Vec::new(),
        }
    }

    /// Forgets what has been idle for long, once as many keys came as there were before.
    pub(super) fn sweep_grown(&self, shard: &Shard, now: Moment) -> Vec<Forgotten> {
        let came = shard.came.fetch_add(1, Ordering::Relaxed) + 1;
        match shard.sweep.try_lock() {
            Ok(mut sweep) if came >= sweep.left.max(FEW) => {
                self.sweep_shard(shard, &mut sweep, before(now, IDLE))
            }
            _ => Vec::new(),
        }
    }

    fn sweep_shard(&self, shard: &Shard, sweep: &mut Sweep, now: Moment) -> Vec<Forgotten> {
        let mut forgotten = Vec::new();
        let guard = shard.buckets.guard();
        *sweep = Sweep::default();
        for (key, bucket) in shard.buckets.iter(&guard) {
            if !bucket.retire(now) {
                sweep.left += 1;
                sweep.idle_at = sweep.idle_at.min(bucket.full());
                continue;
            }
            self.bury(shard, key, &guard);
            let (allowed, denied) = bucket.end_counts();
            forgotten.push((key.clone(), allowed, denied));
        }
        shard.came.store(0, Ordering::Relaxed);
        forgotten
    }

    /// Removes a bucket that is marked as gone, unless another thread did.
    pub(super) fn bury(&self, shard: &Shard, key: &Key, guard: &LocalGuard<'_>) {
        let removed = shard
            .buckets
            .remove_if(key, |_, bucket| bucket.is_gone(), guard);
        if matches!(removed, Ok(Some(_))) {
            self.len.fetch_sub(1, Ordering::Relaxed);
            self.evicted.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            left: 0,
            idle_at: Moment::from_nanos(u64::MAX),
        }
    }
}

fn before(now: Moment, idle: Duration) -> Moment {
    let nanos = u64::try_from(idle.as_nanos()).unwrap_or(u64::MAX);
    Moment::from_nanos(now.as_nanos().saturating_sub(nanos))
}

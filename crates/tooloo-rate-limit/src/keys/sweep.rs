//! Forgets the keys whose buckets are full again, a few at a time.

use std::time::Duration;

use sdd::Guard;
use tooloo_clock::Moment;

use super::{
    FEW, Forgotten, Keys,
    block::Held,
    shard::{Shard, Writer},
};
use crate::sync::Ordering;

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
            .flat_map(|shard| self.sweep_shard(shard, &mut shard.writer(), now))
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
        match shard.try_writer() {
            Some(mut writer)
                if now >= writer.sweep.idle_at || shard.came.load(Ordering::Relaxed) > 0 =>
            {
                self.sweep_shard(shard, &mut writer, now)
            }
            _ => Vec::new(),
        }
    }

    /// Forgets what has been idle for long, once as many keys came as there were before.
    pub(super) fn sweep_grown(
        &self,
        shard: &Shard,
        writer: &mut Writer,
        now: Moment,
    ) -> Vec<Forgotten> {
        let came = shard.came.fetch_add(1, Ordering::Relaxed) + 1;
        if came >= writer.sweep.left.max(FEW) {
            self.sweep_shard(shard, writer, before(now, IDLE))
        } else {
            Vec::new()
        }
    }

    fn sweep_shard(&self, shard: &Shard, writer: &mut Writer, now: Moment) -> Vec<Forgotten> {
        let mut forgotten = Vec::new();
        let mut sweep = Sweep::default();
        if let Some(table) = shard.table(&Guard::new()) {
            table.retain(|Held { key, bucket }| {
                let retired = bucket.retire(now);
                if retired {
                    let (allowed, denied) = bucket.end_counts();
                    forgotten.push((key.clone(), allowed, denied));
                } else {
                    sweep.left += 1;
                    sweep.idle_at = sweep.idle_at.min(bucket.full());
                }
                !retired
            });
        }
        if sweep.left == 0 {
            // Nobody is left: what was forgotten need not wait for newcomers to be freed.
            shard.clear(writer);
        }
        writer.sweep = sweep;
        writer.keys -= forgotten.len();
        self.len.fetch_sub(forgotten.len(), Ordering::Relaxed);
        self.evicted
            .fetch_add(forgotten.len() as u64, Ordering::Relaxed);
        shard.came.store(0, Ordering::Relaxed);
        forgotten
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

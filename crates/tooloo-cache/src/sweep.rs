//! Dropping what is of no use any more, for the room it takes.

use std::sync::{Arc, Weak};

use tokio::{runtime::Handle, time::sleep};

use crate::{
    CacheKey, Freshness, Place, Record,
    inner::Inner,
    now::Now,
    state::marks::{Since, Verdict},
};

/// Sweeps every now and then, for as long as there is the cache and, where there is one, the runtime.
pub(crate) fn start<K: CacheKey, V: Send + Sync + 'static>(cache: &Arc<Inner<K, V>>) {
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    let period = cache.config.sweep_every;
    let cache = Arc::downgrade(cache);
    runtime.spawn(async move {
        loop {
            sleep(period).await;
            let Some(cache) = Weak::upgrade(&cache) else {
                return;
            };
            cache.sweep().await;
        }
    });
}

impl<K: CacheKey, V: Send + Sync + 'static> Inner<K, V> {
    /// Drops what is expired or purged from memory and from this machine's disk.
    pub(crate) async fn sweep(self: &Arc<Self>) {
        let now = tooloo_clock::coarse();
        self.memory.retain(|key, entry| {
            self.check(entry, || key.bytes()) != Verdict::Purged
                && entry.freshness(now) != Freshness::Dead
        });
        for tier in &self.tiers {
            if tier.place() == Place::Disk {
                let cache = Arc::clone(self);
                let wall = Now::read().wall;
                tier.sweep(Arc::new(move |key, record| {
                    cache.is_dead(key, record, wall)
                }))
                .await;
            }
        }
    }

    fn is_dead(&self, key: &[u8], record: &Record, wall: u64) -> bool {
        let since = Since::Generation(record.generation);
        let verdict = self
            .ledger
            .read(|marks| marks.verdict(since, &record.labels, || key.into()));
        verdict == Verdict::Purged || record.is_dead_at(wall)
    }
}

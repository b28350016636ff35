//! What other caches changed.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use crate::{CacheKey, Change, Inbound, Mark, Place, Purge, Tier, inner::Inner, now::Now};

impl<K: CacheKey, V: Send + Sync + 'static> Inbound for Inner<K, V> {
    fn apply(&self, change: &Change, sequence: u64) {
        match change {
            Change::Key(bytes) => {
                // What is no key of this cache is in none of its tiers.
                if let Some(key) = K::from_bytes(bytes) {
                    self.take(&key, |tier| tier.place() == Place::Disk);
                }
                self.ledger.change(|marks| marks.advance(sequence));
            }
            Change::Purge(mark) => self.take_in(mark.purge.clone(), sequence),
            Change::Clear => self.missed(sequence),
        }
    }

    fn published(&self, mark: &Mark, sequence: u64) {
        self.ledger.change(|marks| marks.number(mark, sequence));
    }

    fn missed(&self, sequence: u64) {
        self.take_in(Purge::all(), sequence);
        self.memory.clear();
        self.on_disks(|tier| Box::pin(async move { tier.clear().await }));
    }

    fn sequence(&self) -> u64 {
        self.ledger.position().1
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> Inner<K, V> {
    /// Purges here what another cache purged.
    fn take_in(&self, purge: Purge, sequence: u64) {
        let Now { moment, wall } = Now::read();
        let mark = self
            .ledger
            .change(|marks| marks.add(purge, Some(sequence), moment, wall));
        self.on_disks(|tier| {
            let mark = mark.clone();
            Box::pin(async move { tier.purge(&mark).await })
        });
    }

    /// Does something with the tiers on this machine, behind the caller's back.
    fn on_disks(&self, act: impl Fn(Arc<dyn Tier<K, V>>) -> BoxFuture<'static, ()>) {
        let disks = self.tiers.iter().filter(|tier| tier.place() == Place::Disk);
        for disk in disks {
            tokio::spawn(act(Arc::clone(disk)));
        }
    }
}

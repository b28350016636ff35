//! What other caches changed.

use std::sync::Arc;

use futures_util::{
    FutureExt,
    future::{BoxFuture, ready},
};

use crate::{
    Backplane, CacheKey, Change, Inbound, Mark, Place, Purge, Tier, inner::Inner, now::Now,
};

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
        let mark = Mark {
            sequence: Some(sequence),
            ..mark.clone()
        };
        self.begin_on_disks(&mark)
            .into_iter()
            .for_each(in_background);
        self.ledger.change(|marks| marks.number(&mark, sequence));
    }

    fn missed(&self, sequence: u64) {
        self.take_in(Purge::all(), sequence);
        self.memory.clear();
        for disk in self.disks().map(Arc::clone) {
            in_background(Box::pin(async move { disk.clear().await }));
        }
    }

    fn sequence(&self) -> u64 {
        self.ledger.position().1
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> Inner<K, V> {
    /// Purges here what another cache purged.
    fn take_in(&self, purge: Purge, sequence: u64) {
        let Now { moment, wall } = Now::of_lookups();
        let mut mark = self
            .ledger
            .change(|marks| marks.add(purge, None, moment, wall));
        mark.sequence = Some(sequence);
        self.begin_on_disks(&mark)
            .into_iter()
            .for_each(in_background);
        self.ledger.change(|marks| marks.number(&mark, sequence));
    }

    /// Begins to note a purge on this machine's disks, and returns what waits until it is there.
    ///
    /// This comes before its number is known to fills: so what is stored with that number is behind the purge in
    /// the disk's queue, and whoever finds the number on the disk after a crash finds the purge as well.
    pub(crate) fn begin_on_disks(&self, mark: &Mark) -> Vec<BoxFuture<'static, ()>> {
        let begun = self.disks().map(|disk| {
            let (disk, mark) = (Arc::clone(disk), mark.clone());
            let mut noting: BoxFuture<'static, ()> =
                Box::pin(async move { disk.purge(&mark).await });
            // The first poll queues it. Polled again by who waits, it is none the worse for that.
            let noted = (&mut noting).now_or_never();
            noted.map_or(noting, |()| Box::pin(ready(())))
        });
        begun.collect()
    }

    fn disks(&self) -> impl Iterator<Item = &Arc<dyn Tier<K, V>>> {
        let tiers = self.tiers.iter();
        tiers.filter(|tier| tier.place() == Place::Disk)
    }
}

/// Tells the others of the purges that an earlier run could not tell them of.
pub(crate) fn publish_again<K: CacheKey, V: Send + Sync + 'static>(
    inner: &Arc<Inner<K, V>>,
    backplane: &Arc<dyn Backplane>,
    marks: Vec<Mark>,
) {
    let (inner, backplane) = (Arc::downgrade(inner), Arc::clone(backplane));
    if marks.is_empty() {
        return;
    }
    in_background(Box::pin(async move {
        for mark in marks {
            let sequence = backplane.publish(Change::Purge(mark.clone())).await;
            let Some(inner) = inner.upgrade() else {
                return;
            };
            // Without one, the backplane goes on trying, and tells by itself.
            if let Some(sequence) = sequence {
                inner.published(&mark, sequence);
            }
        }
    }));
}

fn in_background(work: BoxFuture<'static, ()>) {
    tokio::spawn(work);
}

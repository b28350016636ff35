//! Taking entries away: by key, by what they have in common, all of them.

use futures_util::future::join_all;

use super::Cache;
use crate::{
    CacheKey, Change, Place, Purge,
    now::Now,
    state::{marks::Marks, rules},
};

impl<K: CacheKey, V: Send + Sync + 'static> Cache<K, V> {
    /// Removes a key's entry from every tier, and from the memory of other caches; a fill that has begun is
    /// not stored.
    ///
    /// When it returns, no later lookup here finds what there was, nor does one after a restart.
    pub async fn remove(&self, key: &K) {
        self.inner.take(key, |_| true);
        if let Some(backplane) = &self.inner.backplane {
            let change = Change::Key(key.bytes().into_owned().into());
            backplane.publish(change).await;
        }
        for tier in &self.inner.tiers {
            tier.flush().await;
        }
    }

    /// Purges what `purge` reaches, and what the rules say goes with it, in every tier and every cache on the
    /// backplane.
    ///
    /// When it returns, no later lookup here finds what there was, nor does one after a restart. It takes as
    /// long for a million entries as for one.
    pub async fn purge(&self, purge: Purge) {
        self.purge_all(rules::of_purge(&self.inner.config.rules, purge))
            .await;
    }

    /// Makes an event known: purges what the rules say.
    pub async fn emit(&self, event: &str) {
        self.purge_all(rules::of_event(&self.inner.config.rules, event))
            .await;
    }

    /// Forgets every entry, in every tier and every cache on the backplane.
    pub async fn clear(&self) {
        self.purge_all(vec![Purge::all()]).await;
        self.inner.memory.clear();
        for tier in &self.inner.tiers {
            tier.clear().await;
        }
    }

    /// Drops what is expired or purged, and gives unused space back.
    pub async fn compact(&self) {
        self.inner.sweep().await;
        for tier in &self.inner.tiers {
            tier.compact().await;
        }
    }

    /// Waits until the tiers have stored everything that was given to them.
    pub async fn flush(&self) {
        for tier in &self.inner.tiers {
            tier.flush().await;
        }
    }

    async fn purge_all(&self, purges: Vec<Purge>) {
        let now = Now::of_lookups();
        for purge in purges {
            let add = |marks: &mut Marks| marks.add(purge, None, now.moment, now.wall);
            let mut mark = self.inner.ledger.change(add);
            // Before the others are told: should this process end meanwhile, the next one tells them.
            let mut noting = self.inner.begin_on_disks(&mark);
            if let Some(backplane) = &self.inner.backplane {
                mark.sequence = backplane.publish(Change::Purge(mark.clone())).await;
                if let Some(sequence) = mark.sequence {
                    noting.extend(self.inner.begin_on_disks(&mark));
                    self.inner
                        .ledger
                        .change(|marks| marks.number(&mark, sequence));
                }
            }
            join_all(noting).await;
            let tiers = self.inner.tiers.iter();
            for tier in tiers.filter(|tier| tier.place() != Place::Disk) {
                tier.purge(&mark).await;
            }
        }
    }
}

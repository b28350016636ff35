//! What clones of a cache share.

mod store;

use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
};

use tokio::sync::Semaphore;
use tooloo_clock::Moment;

use crate::{
    Backplane, CacheConfig, CacheKey, Entry, Freshness, Lead, LookupKey, Mark, Place, Tier, Weigh,
    figures::Figures,
    flights::Flights,
    ledger::Ledger,
    memory::Memory,
    now::Wall,
    state::marks::{Marks, Since, Verdict},
};

/// What clones of a cache share.
pub(crate) struct Inner<K, V> {
    pub(crate) config: CacheConfig,
    pub(crate) memory: Memory<K, V>,
    pub(crate) tiers: Box<[Arc<dyn Tier<K, V>>]>,
    pub(crate) backplane: Option<Arc<dyn Backplane>>,
    pub(crate) flights: Flights<K, V>,
    pub(crate) figures: Figures,
    pub(crate) refreshes: Arc<Semaphore>,
    pub(crate) weigh: Box<dyn Weigh<K, V>>,
    /// The keys whose values are known not to be stored, and until when.
    pub(crate) passed: quick_cache::sync::Cache<K, Moment>,
    pub(crate) ledger: Ledger,
    pub(crate) wall: Wall,
    pub(crate) random: Mutex<fastrand::Rng>,
}

impl<K: CacheKey, V: Send + Sync + 'static> Inner<K, V> {
    /// Makes it, and returns the purges that an earlier run has told no other cache of, as far as is known.
    pub(crate) fn new(
        config: CacheConfig,
        weigh: Box<dyn Weigh<K, V>>,
        tiers: Vec<Arc<dyn Tier<K, V>>>,
        backplane: Option<Arc<dyn Backplane>>,
    ) -> (Self, Vec<Mark>) {
        let mut marks = Marks::new(config.max_purges.get());
        let mut unpublished = Vec::new();
        let now = Moment::exact();
        for restored in tiers.iter().map(|tier| tier.restore()) {
            let unnumbered = restored.marks.iter().filter(|mark| mark.sequence.is_none());
            unpublished.extend(unnumbered.cloned());
            marks.restore(restored, now);
        }
        let random = config
            .seed
            .map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        let inner = Self {
            memory: Memory::new(&config.memory),
            tiers: tiers.into(),
            backplane,
            flights: Flights::new(config.max_fills.get()),
            figures: Figures::new(),
            refreshes: Arc::new(Semaphore::new(config.max_refreshes.get())),
            weigh,
            passed: quick_cache::sync::Cache::new(config.max_fills.get()),
            ledger: Ledger::new(marks),
            wall: Wall::new(),
            random: Mutex::new(random),
            config,
        };
        (inner, unpublished)
    }

    /// Finds an entry in memory that is of any use.
    #[inline]
    pub(crate) fn find_in_memory<Q>(&self, key: &Q, now: Moment) -> Option<Entry<V>>
    where
        Q: LookupKey<K> + ?Sized,
    {
        let entry = self.memory.get(key)?;
        if entry.is_fresh_at_a_glance(now, self.ledger.generation()) {
            return Some(entry);
        }
        self.inspect(key, entry, now)
    }

    /// Looks at an entry more closely, and drops it where it is of no use.
    #[cold]
    pub(crate) fn inspect<Q>(&self, key: &Q, entry: Entry<V>, now: Moment) -> Option<Entry<V>>
    where
        Q: LookupKey<K> + ?Sized,
    {
        let purged = self.check(&entry, || key.lookup_bytes()) == Verdict::Purged;
        if purged || entry.freshness(now) == Freshness::Dead {
            self.memory.remove_if_same(key, &entry);
            return None;
        }
        entry.touch(now);
        entry.looked_at(now);
        Some(entry)
    }

    /// Asks the tiers below, and brings what is found into memory.
    pub(crate) async fn find_below(&self, lead: &Lead<K, V>) -> Option<Entry<V>> {
        let key = lead.key();
        for (level, tier) in self.tiers.iter().enumerate() {
            let Some(stored) = tier.get(key).await else {
                continue;
            };
            let mut record = stored.record;
            let remote = tier.place() == Place::Remote;
            let since = if remote {
                Since::Sequence(record.sequence)
            } else {
                Since::Generation(record.generation)
            };
            let (verdict, generation) = self.ledger.read(|marks| {
                let verdict = marks.verdict(since, &record.labels, || key.bytes());
                (verdict, marks.generation())
            });
            let now = self.wall.now();
            if verdict == Verdict::Purged || record.is_dead_at(now.wall) {
                continue;
            }
            if remote {
                // What another cache counted means nothing here.
                record.generation = lead.generation;
            }
            let entry = Entry::new(stored.value, record, now.moment, now.wall);
            // Looked at just now, so that its first hit need not.
            entry.settle(verdict.stale_from(), generation);
            entry.looked_at(now.moment);
            if entry.freshness(now.moment) == Freshness::Dead {
                continue;
            }
            self.promote(lead, &entry, level);
            return Some(entry);
        }
        None
    }

    /// Returns whether the key's values are known not to be stored.
    pub(crate) fn is_passed(&self, key: &K) -> bool {
        if self.passed.is_empty() {
            return false;
        }
        let until = self.passed.get(key);
        until.is_some_and(|until| tooloo_clock::coarse() < until)
    }

    pub(crate) fn pass(&self, key: &K) {
        let until = tooloo_clock::coarse() + self.config.pass_for;
        self.passed.insert(key.clone(), until);
    }

    /// Checks an entry against the purges since it was checked last.
    pub(crate) fn check<'a>(
        &self,
        entry: &Entry<V>,
        key: impl FnOnce() -> Cow<'a, [u8]>,
    ) -> Verdict {
        if entry.is_settled(self.ledger.generation()) {
            return Verdict::Untouched;
        }
        let record = entry.record();
        let since = Since::Generation(record.generation);
        let (verdict, generation) = self.ledger.read(|marks| {
            let verdict = marks.verdict(since, &record.labels, key);
            (verdict, marks.generation())
        });
        if verdict != Verdict::Purged {
            entry.settle(verdict.stale_from(), generation);
        }
        verdict
    }
}

//! Storing entries, and taking them away.

use std::sync::PoisonError;

use tooloo_clock::Moment;

use super::Inner;
use crate::{
    CacheKey, Change, Entry, EntryOptions, Lead, Record, Tier,
    figures::Event,
    memory::{self, Evicted},
    now::Now,
    state::marks::Verdict,
};

impl<K: CacheKey, V: Send + Sync + 'static> Inner<K, V> {
    /// Makes an entry of a value, for a fill that began at the lead's position.
    pub(crate) fn make(
        &self,
        key: &K,
        value: V,
        mut options: EntryOptions,
        lead: &Lead<K, V>,
        started: Moment,
    ) -> Entry<V> {
        let now = self.wall.now();
        let took = now.moment.saturating_duration_since(started);
        options.fill_time.get_or_insert(took);
        self.make_at(key, value, options, (lead.generation, lead.sequence), now)
    }

    #[inline]
    pub(crate) fn make_at(
        &self,
        key: &K,
        value: V,
        options: EntryOptions,
        (generation, sequence): (u64, u64),
        now: Now,
    ) -> Entry<V> {
        let record = Record {
            generation,
            sequence,
            created: now.wall,
            weight: self.weigh.weight(key, &value),
            bytes: memory::with_overhead(self.weigh.bytes(key, &value)),
            ..Record::new(options, &self.config, || self.roll())
        };
        Entry::new(value, record, now.moment, now.wall)
    }

    /// Stores what a fill yielded, where nothing came in between that is known of.
    pub(crate) fn land(&self, key: &K, entry: &Entry<V>, version: Option<u64>) {
        let timed = self.figures.time_write();
        if !self.is_storable(key, entry) {
            return;
        }
        let mut evicted = Evicted::default();
        let stripe = self.flights.lock(key);
        if version.is_some_and(|version| !stripe.is_at(key, version)) {
            return;
        }
        self.memory.insert(key, entry.clone(), &mut evicted);
        for tier in &self.tiers {
            tier.put(key, entry);
        }
        drop(stripe);
        self.passed.remove(key);
        self.written(evicted.count, timed);
    }

    /// Stores an entry over whatever there is and whoever is filling.
    pub(crate) fn put(&self, key: &K, entry: &Entry<V>) {
        let timed = self.figures.time_write();
        let storable = self.is_storable(key, entry);
        // Dropped last, outside of the lock.
        let mut evicted = Evicted::default();
        let mut stripe = self.flights.lock(key);
        stripe.overtake(key);
        for tier in &self.tiers {
            if storable {
                tier.put(key, entry);
            } else {
                tier.remove(key);
            }
        }
        if let Some(backplane) = &self.backplane {
            backplane.announce(Change::Key(key.bytes().into_owned().into()));
        }
        let mut removed = None;
        if storable {
            self.memory.insert(key, entry.clone(), &mut evicted);
        } else {
            removed = self.memory.remove(key);
        }
        drop(stripe);
        drop(removed);
        self.written(evicted.count, timed);
    }

    /// Removes a key from memory and, behind the caller's back, from the tiers that are `within`.
    pub(crate) fn take(&self, key: &K, within: impl Fn(&dyn Tier<K, V>) -> bool) {
        let mut stripe = self.flights.lock(key);
        stripe.overtake(key);
        let taken = self.memory.remove(key);
        for tier in self.tiers.iter().filter(|tier| within(&***tier)) {
            tier.remove(key);
        }
        drop(stripe);
        drop(taken);
    }

    /// Draws from 0 up to 1.
    pub(crate) fn roll(&self) -> f64 {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .f64()
    }

    fn is_storable(&self, key: &K, entry: &Entry<V>) -> bool {
        let within = entry.record().is_within(&self.config);
        if !within {
            self.figures.count(Event::Unstorable);
        }
        within && self.check(entry, || key.bytes()) != Verdict::Purged
    }

    /// Stores in the memory, and in the tiers above, what a tier had.
    pub(super) fn promote(&self, lead: &Lead<K, V>, entry: &Entry<V>, level: usize) {
        let key = lead.key();
        let mut evicted = Evicted::default();
        let stripe = self.flights.lock(key);
        if !stripe.is_at(key, lead.version) {
            return;
        }
        self.memory.insert(key, entry.clone(), &mut evicted);
        for tier in &self.tiers[..level] {
            tier.put(key, entry);
        }
        drop(stripe);
        self.figures.evicted(evicted.count);
    }

    fn written(&self, evicted: u64, timed: Option<Moment>) {
        self.figures.count(Event::Write);
        self.figures.evicted(evicted);
        if let Some(start) = timed {
            self.figures.written_since(start);
        }
    }
}

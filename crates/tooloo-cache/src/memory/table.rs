//! Entries in memory, by whatever the table finds them by.

use std::{hash::Hash, marker::PhantomData};

use quick_cache::{DefaultHashBuilder, Equivalent, Lifecycle, OptionsBuilder, Weighter, sync};

use crate::{Entry, MemoryConfig};

/// All of the room there is, where two bounds are measured by one number.
const WHOLE: u64 = 1 << 40;

/// What a table keeps of a key.
pub(super) trait Kept<K>: Clone + Eq + Hash {
    /// Returns the key, where it is that.
    fn into_key(self) -> Option<K>;
}

/// Entries in memory, by S3-FIFO within bounds.
pub(super) struct Table<T, K, V> {
    entries: sync::Cache<T, Entry<V>, Share, DefaultHashBuilder, Evict<K>>,
    max_weight: bool,
}

/// Measures an entry by the bound of which it takes the larger part.
///
/// Where the sum of those parts is at most one, so is the sum of each.
#[derive(Clone, Copy, Debug)]
struct Share {
    max_bytes: u64,
    max_weight: Option<u64>,
}

/// Keeps what makes room until after the lock.
struct Evict<K>(PhantomData<fn(K)>);

/// What went for one insertion: the key's own entry before it, and those that made room.
///
/// Dropped, it drops their values and what keys are not bytes, which are others' code: not under a lock.
pub(crate) struct Evicted<K, V> {
    // Mostly there is one, which then needs no vector.
    first: Option<(Option<K>, Entry<V>)>,
    others: Vec<(Option<K>, Entry<V>)>,
    /// How many made room.
    pub(crate) count: u64,
}

impl<T: Kept<K>, K, V> Table<T, K, V> {
    pub(super) fn new(config: &MemoryConfig) -> Self {
        let share = Share {
            max_bytes: config.max_bytes.get(),
            max_weight: config.max_weight.map(std::num::NonZeroU64::get),
        };
        let options = OptionsBuilder::new()
            .estimated_items_capacity(config.expected_entries.get())
            .weight_capacity(share.whole())
            .build()
            .expect("both capacities are given");
        Self {
            entries: sync::Cache::with_options(
                options,
                share,
                DefaultHashBuilder::default(),
                Evict(PhantomData),
            ),
            max_weight: share.max_weight.is_some(),
        }
    }

    #[inline]
    pub(super) fn get<Q>(&self, key: &Q) -> Option<Entry<V>>
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.entries.get(key)
    }

    #[inline]
    pub(super) fn insert(&self, key: T, entry: Entry<V>, evicted: &mut Evicted<K, V>) {
        let entries = &self.entries;
        match entries.replace_with_lifecycle(key, entry, false, evicted) {
            // Its own entry made no room for it.
            Ok(()) => evicted.count = evicted.count.saturating_sub(1),
            Err((key, entry)) => entries.insert_with_lifecycle(key, entry, evicted),
        }
    }

    pub(super) fn remove<Q>(&self, key: &Q) -> Option<Entry<V>>
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        self.entries.remove(key).map(|(_, entry)| entry)
    }

    /// Removes this very entry.
    pub(super) fn remove_if_same<Q>(&self, key: &Q, entry: &Entry<V>)
    where
        Q: Hash + Equivalent<T> + ?Sized,
    {
        drop(self.entries.remove_if(key, |present| present.ptr_eq(entry)));
    }

    pub(super) fn retain(&self, keep: impl Fn(&T, &Entry<V>) -> bool) {
        self.entries.retain(keep);
    }

    pub(super) fn clear(&self) {
        self.entries.clear();
    }

    pub(super) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(super) fn bytes(&self) -> u64 {
        if self.max_weight {
            self.entries
                .iter()
                .map(|(_, entry)| entry.record().bytes)
                .sum()
        } else {
            self.entries.weight()
        }
    }
}

impl Share {
    fn whole(self) -> u64 {
        if self.max_weight.is_some() {
            WHOLE
        } else {
            self.max_bytes
        }
    }
}

impl<T, V> Weighter<T, Entry<V>> for Share {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "it is bounded before")]
    fn weight(&self, _key: &T, entry: &Entry<V>) -> u64 {
        let record = entry.record();
        let Some(max_weight) = self.max_weight else {
            return record.bytes.max(1);
        };
        let part = |amount: u64, of: u64| {
            (u128::from(amount) * u128::from(WHOLE))
                .div_ceil(u128::from(of))
                .min(u128::from(2 * WHOLE)) as u64
        };
        let weight = part(u64::from(record.weight), max_weight);
        part(record.bytes, self.max_bytes).max(weight).max(1)
    }
}

impl<T: Kept<K>, K, V> Lifecycle<T, Entry<V>> for Evict<K> {
    type RequestState = Evicted<K, V>;

    fn on_evict(&self, evicted: &mut Evicted<K, V>, key: T, entry: Entry<V>) {
        evicted.count += 1;
        let gone = (key.into_key(), entry);
        match &evicted.first {
            None => evicted.first = Some(gone),
            Some(_) => evicted.others.push(gone),
        }
    }
}

impl<K> Clone for Evict<K> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<K, V> Default for Evicted<K, V> {
    fn default() -> Self {
        Self {
            first: None,
            others: Vec::new(),
            count: 0,
        }
    }
}

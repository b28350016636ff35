//! The memory tier.

use std::mem::size_of;

use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter, sync};

use crate::{CacheKey, Entry, LookupKey, MemoryConfig};

/// What an entry takes beside its key and its value.
const OVERHEAD: u64 = (size_of::<Entry<()>>() + size_of::<crate::Record>() + 96) as u64;

/// All of the room there is, where two bounds are measured by one number.
const WHOLE: u64 = 1 << 40;

/// Entries in memory, by S3-FIFO within bounds.
pub(crate) struct Memory<K, V> {
    entries: sync::Cache<K, Entry<V>, Share, DefaultHashBuilder, Evict>,
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

/// Drops what makes room outside of the lock.
#[derive(Clone, Copy, Debug)]
struct Evict;

/// What went for one insertion: the key's own entry before it, and those that made room.
///
/// Dropped, it drops their values, which are others' code: not under a lock.
pub(crate) struct Evicted<K, V> {
    // Mostly there is one, which then needs no vector.
    first: Option<(K, Entry<V>)>,
    others: Vec<(K, Entry<V>)>,
    /// How many made room.
    pub(crate) count: u64,
}

impl<K: CacheKey, V> Memory<K, V> {
    pub(crate) fn new(config: &MemoryConfig) -> Self {
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
                Evict,
            ),
            max_weight: share.max_weight.is_some(),
        }
    }

    #[inline]
    pub(crate) fn get<Q: LookupKey<K> + ?Sized>(&self, key: &Q) -> Option<Entry<V>> {
        self.entries.get(key)
    }

    /// Stores an entry; what goes for it is left in `evicted`.
    ///
    /// Whoever stores or removes the same key meanwhile has it counted wrong.
    #[inline]
    pub(crate) fn insert(&self, key: K, entry: Entry<V>, evicted: &mut Evicted<K, V>) {
        let entries = &self.entries;
        match entries.replace_with_lifecycle(key, entry, false, evicted) {
            // Its own entry made no room for it.
            Ok(()) => evicted.count = evicted.count.saturating_sub(1),
            Err((key, entry)) => entries.insert_with_lifecycle(key, entry, evicted),
        }
    }

    pub(crate) fn remove(&self, key: &K) -> Option<Entry<V>> {
        self.entries.remove(key).map(|(_, entry)| entry)
    }

    /// Removes this very entry.
    pub(crate) fn remove_if_same<Q: LookupKey<K> + ?Sized>(&self, key: &Q, entry: &Entry<V>) {
        drop(self.entries.remove_if(key, |present| present.ptr_eq(entry)));
    }

    pub(crate) fn retain(&self, keep: impl Fn(&K, &Entry<V>) -> bool) {
        self.entries.retain(keep);
    }

    pub(crate) fn clear(&self) {
        self.entries.clear();
    }

    pub(crate) fn len(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(crate) fn bytes(&self) -> u64 {
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

impl<K, V> Weighter<K, Entry<V>> for Share {
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "it is bounded before")]
    fn weight(&self, _key: &K, entry: &Entry<V>) -> u64 {
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

impl<K, V> Lifecycle<K, Entry<V>> for Evict {
    type RequestState = Evicted<K, V>;

    fn on_evict(&self, state: &mut Evicted<K, V>, key: K, entry: Entry<V>) {
        state.count += 1;
        match &state.first {
            None => state.first = Some((key, entry)),
            Some(_) => state.others.push((key, entry)),
        }
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

/// Returns the bytes that count for an entry of so many bytes of key and value.
pub(crate) fn with_overhead(bytes: u64) -> u64 {
    bytes.saturating_add(OVERHEAD)
}

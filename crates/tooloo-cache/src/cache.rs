//! The cache itself: no HTTP.

mod outcome;
mod purging;

use std::{fmt, sync::Arc};

use tokio::sync::OwnedSemaphorePermit;
use tooloo_clock::Moment;

pub use self::outcome::Outcome;
use crate::{
    CacheBuilder, CacheConfig, CacheHandle, CacheKey, Claim, Entry, EntryOptions, Freshness, Lead,
    LookupKey, figures::Event, inner::Inner,
};

/// Keeps values by key: in memory, and in the tiers below it that it was built with.
///
/// What it returns is an [`Entry`], which reads as the value. Clones share all of it.
pub struct Cache<K: CacheKey, V: Send + Sync + 'static> {
    inner: Arc<Inner<K, V>>,
}

/// The right to refresh something behind its askers' backs, of a bounded number.
#[derive(Debug)]
#[must_use]
pub struct RefreshPermit {
    _permit: OwnedSemaphorePermit,
}

impl<K: CacheKey, V: Send + Sync + 'static> Cache<K, V> {
    /// Creates a cache that has memory only, and takes each entry's size as that of key and value themselves.
    ///
    /// Where they point at more, [`with_weigher`](CacheBuilder::with_weigher) is to tell how much.
    pub fn new(config: CacheConfig) -> Self {
        Self::builder(config).build()
    }

    /// Begins a cache with tiers or a weigher.
    pub fn builder(config: CacheConfig) -> CacheBuilder<K, V> {
        CacheBuilder::new(config)
    }

    /// Returns the fresh entry of a key, from whatever tier has it.
    pub async fn get<Q: LookupKey<K> + ?Sized>(&self, key: &Q) -> Option<Entry<V>> {
        if let Some(entry) = self.get_in_memory(key) {
            return Some(entry);
        }
        let fresh = if self.has_tiers() {
            self.lookup_below(&key.to_key()).await.filter(is_fresh)
        } else {
            None
        };
        let found = if fresh.is_some() {
            Event::LowerHit
        } else {
            Event::Miss
        };
        self.inner.figures.count(found);
        fresh
    }

    /// Returns the fresh entry of a key that is in memory.
    ///
    /// Where there is none it counts a miss of the memory, and none of the cache.
    #[inline]
    pub fn get_in_memory<Q: LookupKey<K> + ?Sized>(&self, key: &Q) -> Option<Entry<V>> {
        let inner = &*self.inner;
        let Some(own) = inner.figures.own().filter(|own| !own.is_time()) else {
            return inner.read_timed(key);
        };
        let found = inner.memory.get(key);
        // Read while what was found comes from memory.
        let now = tooloo_clock::coarse();
        match found {
            Some(entry) if entry.is_fresh_at_a_glance(now, inner.ledger.generation()) => {
                own.hit_in_memory();
                Some(entry)
            }
            found => inner.read_slowly(key, found, now),
        }
    }

    /// Returns the entry of a key if it is of any use, however stale, from whatever tier has it.
    ///
    /// It counts neither as a hit nor as a miss: that is to be [counted](Self::count) by what comes of it.
    pub async fn lookup<Q: LookupKey<K> + ?Sized>(&self, key: &Q) -> Option<Entry<V>> {
        match self.lookup_in_memory(key) {
            Some(entry) => Some(entry),
            None if self.has_tiers() => self.lookup_below(&key.to_key()).await,
            None => None,
        }
    }

    /// Returns the entry of a key in memory if it is of any use, however stale; it counts nothing.
    #[inline]
    pub fn lookup_in_memory<Q>(&self, key: &Q) -> Option<Entry<V>>
    where
        Q: LookupKey<K> + ?Sized,
    {
        self.inner.find_in_memory(key, tooloo_clock::coarse())
    }

    /// Asks to fill a key: one is to do so, others wait for it.
    pub fn claim(&self, key: &K) -> Claim<K, V> {
        Claim::new(self, key)
    }

    /// Returns the right to store a fill that nobody waits for, also where others fill the same key.
    pub fn alone(&self, key: &K) -> Lead<K, V> {
        Lead::alone(self, key)
    }

    /// Returns whether there are tiers below the memory.
    pub fn has_tiers(&self) -> bool {
        !self.inner.tiers.is_empty()
    }

    /// Stores a value as the settings say; in the tiers below behind the caller's back.
    pub fn insert(&self, key: K, value: V) -> Entry<V> {
        self.insert_with(key, value, EntryOptions::new())
    }

    /// Stores a value in a way of its own; in the tiers below behind the caller's back.
    ///
    /// One with more tags than allowed is not stored, and the key's entry is gone.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "what is stored is given away; only memory that keeps bytes can do without the key"
    )]
    pub fn insert_with(&self, key: K, value: V, options: EntryOptions) -> Entry<V> {
        let inner = &*self.inner;
        let (position, now) = (inner.ledger.position(), inner.wall.now());
        let entry = inner.make_at(&key, value, options, position, now);
        inner.put(&key, &entry);
        entry
    }

    /// Returns a permit to refresh something in the background, where not too many do.
    pub fn refresh_permit(&self) -> Option<RefreshPermit> {
        let permit = Arc::clone(&self.inner.refreshes).try_acquire_owned().ok()?;
        Some(RefreshPermit { _permit: permit })
    }

    /// Returns a read-only view, to keep when the cache moves into a stack.
    pub fn handle(&self) -> CacheHandle {
        CacheHandle::new(self.inner.clone())
    }

    pub(crate) fn from_inner(inner: Arc<Inner<K, V>>) -> Self {
        Self { inner }
    }

    pub(crate) fn inner(&self) -> &Inner<K, V> {
        &self.inner
    }

    async fn lookup_below(&self, key: &K) -> Option<Entry<V>> {
        let lead = Lead::alone(self, key);
        self.inner.find_below(&lead).await
    }
}

fn is_fresh<V>(entry: &Entry<V>) -> bool {
    entry.freshness(tooloo_clock::coarse()) == Freshness::Fresh
}

impl<K: CacheKey, V: Send + Sync + 'static> Inner<K, V> {
    /// Looks a fresh entry up and times that, where it is time to.
    #[cold]
    fn read_timed<Q: LookupKey<K> + ?Sized>(&self, key: &Q) -> Option<Entry<V>> {
        let timed = self.figures.time_read();
        let found = self.memory.get(key);
        let entry = self.read_slowly(key, found, tooloo_clock::coarse());
        if let Some(start) = timed {
            self.figures.read_since(start);
        }
        entry
    }

    /// Makes sure of what was found, and counts what comes of it.
    #[cold]
    fn read_slowly<Q: LookupKey<K> + ?Sized>(
        &self,
        key: &Q,
        found: Option<Entry<V>>,
        now: Moment,
    ) -> Option<Entry<V>> {
        let generation = self.ledger.generation();
        let entry = match found {
            Some(entry) if !entry.is_fresh_at_a_glance(now, generation) => {
                self.inspect(key, entry, now).filter(is_fresh)
            }
            found => found,
        };
        if entry.is_some() {
            self.figures.hit_in_memory();
        } else {
            self.figures.count(Event::MemoryMiss);
        }
        entry
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> Clone for Cache<K, V> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache")
            .field("config", &self.inner.config)
            .finish_non_exhaustive()
    }
}

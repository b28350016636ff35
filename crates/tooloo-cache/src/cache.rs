//! The cache itself: no HTTP.

use std::{fmt, sync::Arc};

use tokio::sync::OwnedSemaphorePermit;

use crate::{
    CacheBuilder, CacheConfig, CacheHandle, CacheKey, Change, Claim, Entry, EntryOptions,
    Freshness, Lead, LookupKey, Purge,
    figures::Event,
    inner::{Inner, Now},
    state::rules,
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

/// How a request came out, for those who look up by themselves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// There was a fresh entry.
    Hit,
    /// There was an entry, served stale.
    Stale,
    /// There was none of use.
    Miss,
    /// There was none, and another's fill was waited for.
    Coalesced,
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
        let now = tooloo_clock::coarse();
        let timed = inner.figures.time_read();
        let entry = match inner.memory.get(key) {
            Some(entry) if entry.is_fresh_at_a_glance(now, inner.generation()) => Some(entry),
            Some(entry) => inner.inspect(key, entry, now).filter(is_fresh),
            None => None,
        };
        if entry.is_some() {
            inner.figures.hit_in_memory();
        } else {
            inner.figures.count(Event::MemoryMiss);
        }
        if let Some(start) = timed {
            inner.figures.read_since(start);
        }
        entry
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
    #[expect(clippy::needless_pass_by_value, reason = "as maps do it")]
    pub fn insert_with(&self, key: K, value: V, options: EntryOptions) -> Entry<V> {
        let inner = &*self.inner;
        let entry = inner.make_at(&key, value, options, inner.position(), Now::read());
        inner.put(&key, &entry);
        entry
    }

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

    /// Returns a permit to refresh something in the background, where not too many do.
    pub fn refresh_permit(&self) -> Option<RefreshPermit> {
        let permit = Arc::clone(&self.inner.refreshes).try_acquire_owned().ok()?;
        Some(RefreshPermit { _permit: permit })
    }

    /// Counts how a request came out that looked up by itself.
    pub fn count(&self, outcome: Outcome) {
        let figures = &self.inner.figures;
        match outcome {
            Outcome::Hit => figures.hit_in_memory(),
            Outcome::Stale => {
                figures.hit_in_memory();
                figures.count(Event::Stale);
            }
            Outcome::Miss => figures.count(Event::Miss),
            Outcome::Coalesced => {
                figures.count(Event::Miss);
                figures.count(Event::Coalesced);
            }
        }
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

    async fn purge_all(&self, purges: Vec<Purge>) {
        let now = Now::read();
        for purge in purges {
            let add = |marks: &mut crate::state::marks::Marks| {
                marks.add(purge, None, now.moment, now.wall)
            };
            let mut mark = self.inner.change_marks(add);
            if let Some(backplane) = &self.inner.backplane {
                mark.sequence = backplane.publish(Change::Purge(mark.clone())).await;
                if let Some(sequence) = mark.sequence {
                    self.inner
                        .change_marks(|marks| marks.number(&mark, sequence));
                }
            }
            for tier in &self.inner.tiers {
                tier.purge(&mark).await;
            }
        }
    }
}

fn is_fresh<V>(entry: &Entry<V>) -> bool {
    entry.freshness(tooloo_clock::coarse()) == Freshness::Fresh
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

//! Filling one key: who does it, who waits, and what comes of it.

mod follow;

use std::{fmt, sync::Arc};

use tooloo_clock::Moment;

pub use self::follow::{Follow, Followed};
use crate::{
    Cache, CacheKey, Entry, EntryOptions,
    flights::{Boarding, Flight, Landing},
};

/// What one who asks to fill a key gets.
#[must_use]
pub enum Claim<K: CacheKey, V: Send + Sync + 'static> {
    /// It is to fill the key; others wait.
    Lead(Lead<K, V>),
    /// Another one fills it.
    Follow(Follow<K, V>),
    /// It is to fill for itself alone: the key's values are known not to be stored, or too many keys are
    /// being filled.
    Alone(Lead<K, V>),
}

/// The right to store what a fill yields, if nothing newer has come meanwhile.
///
/// Dropped without a result, the fill has failed, and one of those who wait leads in its place.
#[must_use]
pub struct Lead<K: CacheKey, V: Send + Sync + 'static> {
    cache: Cache<K, V>,
    key: K,
    flight: Option<Arc<Flight<V>>>,
    pub(crate) version: u64,
    pub(crate) generation: u64,
    pub(crate) sequence: u64,
    started: Moment,
}

impl<K: CacheKey, V: Send + Sync + 'static> Claim<K, V> {
    pub(crate) fn new(cache: &Cache<K, V>, key: &K) -> Self {
        if cache.inner().is_passed(key) {
            return Self::Alone(Lead::alone(cache, key));
        }
        let started = Moment::exact();
        let (generation, sequence) = cache.inner().ledger.position();
        let lead = |flight, version| Lead {
            cache: cache.clone(),
            key: key.clone(),
            flight,
            version,
            generation,
            sequence,
            started,
        };
        match cache.inner().flights.board(key, generation) {
            Boarding::Lead(flight, version) => Self::Lead(lead(Some(flight), version)),
            Boarding::Full(version) => Self::Alone(lead(None, version)),
            Boarding::Follow(landing) => Self::Follow(Follow {
                cache: cache.clone(),
                key: key.clone(),
                landing,
            }),
        }
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> Lead<K, V> {
    /// Takes a place that nobody waits for.
    pub(crate) fn alone(cache: &Cache<K, V>, key: &K) -> Self {
        // Before the place is taken: a purge in between is later than this.
        let (generation, sequence) = cache.inner().ledger.position();
        Self {
            cache: cache.clone(),
            key: key.clone(),
            flight: None,
            version: cache.inner().flights.hold(key),
            generation,
            sequence,
            started: Moment::exact(),
        }
    }

    /// Returns the key.
    pub fn key(&self) -> &K {
        &self.key
    }

    /// Returns the cache.
    pub fn cache(&self) -> &Cache<K, V> {
        &self.cache
    }

    /// Returns the generation that the fill began in.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Stores a value of another key that the fill yielded beside its own; those who wait go on waiting.
    ///
    /// It is not stored where a purge reaches it that came since the fill began. Of that other key, a removal
    /// since then is not known.
    pub fn store_as(&self, key: &K, value: V, options: EntryOptions) -> Entry<V> {
        let inner = self.cache.inner();
        let entry = inner.make(key, value, options, self, self.started);
        inner.land(key, &entry, None);
        entry
    }

    /// Stores what the fill yielded, and hands it to those who wait.
    ///
    /// It is not stored where the key was written or removed since the fill began, where a purge reaches it
    /// that came since, or where it has more tags than allowed. Those who wait get it all the same: they asked
    /// before that.
    pub fn store(self, value: V, options: EntryOptions) -> Entry<V> {
        let entry = self
            .cache
            .inner()
            .make(&self.key, value, options, &self, self.started);
        self.cache
            .inner()
            .land(&self.key, &entry, Some(self.version));
        self.land(Landing::Entry(entry.clone()));
        entry
    }

    /// Hands a value to those who wait, now and until the fill ends, and stores nothing.
    ///
    /// Such as one that is still growing. [`store`](Self::store) may follow.
    pub fn share(&self, value: V, options: EntryOptions) -> Entry<V> {
        let entry = self
            .cache
            .inner()
            .make(&self.key, value, options, self, self.started);
        self.land(Landing::Entry(entry.clone()));
        entry
    }

    /// Says that what fills the key is not to be stored: all who wait go on by themselves, at once.
    ///
    /// The cache remembers it for a while, so that nobody waits for the next one.
    pub fn pass(self) {
        self.cache.inner().pass(&self.key);
        self.land(Landing::Pass);
    }

    /// As [`pass`](Self::pass), and makes an entry of the value for the one who filled.
    pub(crate) fn pass_with(self, value: V, options: EntryOptions) -> Entry<V> {
        let inner = self.cache.inner();
        let entry = inner.make(&self.key, value, options, &self, self.started);
        self.pass();
        entry
    }

    /// Hands an entry that is already stored to those who wait.
    pub(crate) fn hand_over(self, entry: &Entry<V>) {
        self.land(Landing::Entry(entry.clone()));
    }

    fn land(&self, landing: Landing<V>) {
        if let Some(flight) = &self.flight {
            flight.state.send_replace(landing);
        }
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> Drop for Lead<K, V> {
    fn drop(&mut self) {
        // Whoever is told has to find the place free.
        self.cache
            .inner()
            .flights
            .leave(&self.key, self.flight.as_ref());
        if let Some(flight) = &self.flight {
            flight.state.send_if_modified(|landing| {
                let failed = matches!(landing, Landing::UnderWay);
                if failed {
                    *landing = Landing::Failed;
                }
                failed
            });
        }
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> fmt::Debug for Claim<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lead(_) => "Lead",
            Self::Follow(_) => "Follow",
            Self::Alone(_) => "Alone",
        })
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> fmt::Debug for Lead<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead")
            .field("generation", &self.generation)
            .finish_non_exhaustive()
    }
}

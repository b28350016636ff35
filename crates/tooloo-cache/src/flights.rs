//! Who is filling which key.
//!
//! A fill must not land where its key was written or removed after it began. Whoever fills a key holds a
//! place here, and whoever writes or removes the key marks the place as overtaken, under the same lock.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::watch;

use crate::{CacheKey, Entry};

/// How many locks the keys are spread over.
const STRIPES: usize = 256;

/// The keys that are being filled.
pub(crate) struct Flights<K, V> {
    stripes: Box<[Mutex<Stripe<K, V>>]>,
    hasher: ahash::RandomState,
    under_way: AtomicUsize,
    bound: usize,
}

/// The keys of one lock that are being filled.
pub(crate) struct Stripe<K, V> {
    keys: HashMap<K, Place<V>, ahash::RandomState>,
}

/// One key that is being filled.
struct Place<V> {
    /// How many fill it.
    holders: usize,
    /// How often it was written or removed since the first of them began.
    version: u64,
    flight: Option<Arc<Flight<V>>>,
}

/// A fill that others may wait for.
pub(crate) struct Flight<V> {
    /// The generation that it began in.
    pub(crate) generation: u64,
    pub(crate) state: watch::Sender<Landing<V>>,
}

/// What became of a fill.
pub(crate) enum Landing<V> {
    UnderWay,
    /// Here is the value, stored or not.
    Entry(Entry<V>),
    /// It is not to be stored: everyone has to call alone.
    Pass,
    /// It failed: someone else has to lead.
    Failed,
}

/// What one who asks to fill a key gets.
pub(crate) enum Boarding<V> {
    /// The fill that others will wait for, and the key's version.
    Lead(Arc<Flight<V>>, u64),
    /// The fill to wait for.
    Follow(watch::Receiver<Landing<V>>),
    /// No fill, only the key's version: there are too many.
    Full(u64),
}

impl<K: CacheKey, V> Flights<K, V> {
    pub(crate) fn new(bound: usize) -> Self {
        let stripe = || {
            Mutex::new(Stripe {
                keys: HashMap::default(),
            })
        };
        Self {
            stripes: std::iter::repeat_with(stripe).take(STRIPES).collect(),
            hasher: ahash::RandomState::new(),
            under_way: AtomicUsize::new(0),
            bound,
        }
    }

    /// Locks the key's stripe: what is done meanwhile is done at once, as far as the key is concerned.
    #[expect(clippy::cast_possible_truncation, reason = "any bits of a hash do")]
    pub(crate) fn lock(&self, key: &K) -> MutexGuard<'_, Stripe<K, V>> {
        let index = self.hasher.hash_one(key) as usize % STRIPES;
        self.stripes[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place among those who fill the key.
    ///
    /// A fill of an earlier generation is not waited for: a purge may have come after it.
    pub(crate) fn board(&self, key: &K, generation: u64) -> Boarding<V> {
        let mut stripe = self.lock(key);
        let place = stripe.keys.entry(key.clone()).or_insert_with(Place::new);
        if let Some(flight) = &place.flight
            && flight.generation == generation
        {
            return Boarding::Follow(flight.state.subscribe());
        }
        place.holders += 1;
        if self.under_way.load(Ordering::Relaxed) >= self.bound {
            return Boarding::Full(place.version);
        }
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let flight = Arc::new(Flight {
            generation,
            state: watch::Sender::new(Landing::UnderWay),
        });
        place.flight = Some(Arc::clone(&flight));
        Boarding::Lead(flight, place.version)
    }

    /// Takes a place that nobody waits for, and returns the key's version.
    pub(crate) fn hold(&self, key: &K) -> u64 {
        let mut stripe = self.lock(key);
        let place = stripe.keys.entry(key.clone()).or_insert_with(Place::new);
        place.holders += 1;
        place.version
    }

    /// Gives a place back. Nobody new waits for the flight.
    pub(crate) fn leave(&self, key: &K, flight: Option<&Arc<Flight<V>>>) {
        let mut stripe = self.lock(key);
        if flight.is_some() {
            self.under_way.fetch_sub(1, Ordering::Relaxed);
        }
        stripe.land(key, flight);
        if let Some(place) = stripe.keys.get_mut(key) {
            place.holders -= 1;
            if place.holders == 0 {
                stripe.keys.remove(key);
            }
        }
    }
}

impl<K: CacheKey, V> Stripe<K, V> {
    /// Marks the fills of the key as overtaken.
    pub(crate) fn overtake(&mut self, key: &K) {
        if let Some(place) = self.keys.get_mut(key) {
            place.version += 1;
            place.flight = None;
        }
    }

    /// Returns whether nothing overtook the one who took a place at this version.
    pub(crate) fn is_at(&self, key: &K, version: u64) -> bool {
        self.keys
            .get(key)
            .is_some_and(|place| place.version == version)
    }

    fn land(&mut self, key: &K, flight: Option<&Arc<Flight<V>>>) {
        let (Some(place), Some(flight)) = (self.keys.get_mut(key), flight) else {
            return;
        };
        if place
            .flight
            .as_ref()
            .is_some_and(|present| Arc::ptr_eq(present, flight))
        {
            place.flight = None;
        }
    }
}

impl<V> Place<V> {
    fn new() -> Self {
        Self {
            holders: 0,
            version: 0,
            flight: None,
        }
    }
}

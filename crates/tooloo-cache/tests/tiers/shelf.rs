//! A tier that keeps values in a map, which outlives the caches above it.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tooloo_cache::{
    CacheKey, Dead, Entry, Mark, Place, Record, Restored, Stored, Tier, TierFigures,
};

/// Keeps values in a map. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    place: Place,
    held: Arc<Mutex<Held>>,
    lookups: Arc<AtomicU64>,
    writes: Arc<AtomicU64>,
    gate: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Held {
    entries: BTreeMap<String, (u64, Record)>,
    marks: Vec<Mark>,
    generation: u64,
}

impl Shelf {
    pub(crate) fn new(place: Place) -> Self {
        Self {
            place,
            held: Arc::default(),
            lookups: Arc::default(),
            writes: Arc::default(),
            gate: Arc::new(Semaphore::new(1)),
        }
    }

    pub(crate) fn lookups(&self) -> u64 {
        self.lookups.load(Ordering::SeqCst)
    }

    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::SeqCst)
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.held().entries.keys().cloned().collect()
    }

    /// Has lookups read what there is now, and answer when the hold is dropped.
    pub(crate) fn hold(&self) -> OwnedSemaphorePermit {
        let gate = Arc::clone(&self.gate);
        gate.try_acquire_owned().expect("there is one hold")
    }

    /// Makes an entry older, by so many milliseconds.
    pub(crate) fn age(&self, key: &str, by: u64) {
        self.with(key, |record| record.created -= by);
    }

    /// Makes an entry younger, by so many milliseconds.
    pub(crate) fn rejuvenate(&self, key: &str, by: u64) {
        self.with(key, |record| record.created += by);
    }

    /// Puts an entry there as another cache would.
    pub(crate) fn place(&self, key: &str, value: u64, record: Record) {
        let mut held = self.held();
        held.entries.insert(key.to_owned(), (value, record));
    }

    fn with(&self, key: &str, change: impl FnOnce(&mut Record)) {
        let mut held = self.held();
        let (_, record) = held.entries.get_mut(key).expect("it is there");
        change(record);
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().expect("no test panics with it")
    }
}

impl Tier<String, u64> for Shelf {
    fn place(&self) -> Place {
        self.place
    }

    fn restore(&self) -> Restored {
        let held = self.held();
        Restored {
            generation: held.generation,
            sequence: 0,
            marks: held.marks.clone(),
        }
    }

    fn get<'a>(&'a self, key: &'a String) -> BoxFuture<'a, Option<Stored<u64>>> {
        async move {
            self.lookups.fetch_add(1, Ordering::SeqCst);
            let found = self.held().entries.get(key).cloned();
            drop(self.gate.acquire().await);
            found.map(|(value, record)| Stored { value, record })
        }
        .boxed()
    }

    fn put(&self, key: &String, entry: &Entry<u64>) {
        self.writes.fetch_add(1, Ordering::SeqCst);
        let mut held = self.held();
        held.generation = held.generation.max(entry.record().generation);
        let stored = (*entry.value(), entry.record().clone());
        held.entries.insert(key.clone(), stored);
    }

    fn remove(&self, key: &String) {
        self.held().entries.remove(key);
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn purge<'a>(&'a self, mark: &'a Mark) -> BoxFuture<'a, ()> {
        let mut held = self.held();
        held.generation = held.generation.max(mark.generation);
        held.marks.push(mark.clone());
        std::future::ready(()).boxed()
    }

    fn clear(&self) -> BoxFuture<'_, ()> {
        self.held().entries.clear();
        std::future::ready(()).boxed()
    }

    fn sweep(&self, dead: Arc<Dead>) -> BoxFuture<'_, ()> {
        let entries = &mut self.held().entries;
        entries.retain(|key, (_, record)| !dead(&CacheKey::bytes(key), record));
        std::future::ready(()).boxed()
    }

    fn compact(&self) -> BoxFuture<'_, ()> {
        std::future::ready(()).boxed()
    }

    fn figures(&self) -> TierFigures {
        TierFigures::default()
    }
}

//! What clones of a cache share.

use std::{
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::sync::Semaphore;
use tooloo_clock::Moment;

use crate::{
    Backplane, CacheConfig, CacheKey, Change, Entry, EntryOptions, Freshness, Lead, LookupKey,
    Place, Record, Tier, Weigh,
    figures::{Event, Figures},
    flights::Flights,
    memory::{self, Memory},
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
    weigh: Box<dyn Weigh<K, V>>,
    /// The keys whose values are known not to be stored, and until when.
    passed: quick_cache::sync::Cache<K, Moment>,
    /// The generation of the last purge, to be read without the lock.
    generation: AtomicU64,
    marks: RwLock<Marks>,
    random: Mutex<fastrand::Rng>,
}

/// A time on both clocks; the wall's in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) moment: Moment,
    pub(crate) wall: u64,
}

impl<K: CacheKey, V: Send + Sync + 'static> Inner<K, V> {
    pub(crate) fn new(
        config: CacheConfig,
        weigh: Box<dyn Weigh<K, V>>,
        tiers: Vec<Arc<dyn Tier<K, V>>>,
        backplane: Option<Arc<dyn Backplane>>,
    ) -> Self {
        let mut marks = Marks::new(config.max_purges.get());
        let now = Moment::exact();
        for restored in tiers.iter().map(|tier| tier.restore()) {
            marks.restore(restored, now);
        }
        let random = config
            .seed
            .map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self {
            memory: Memory::new(&config.memory),
            tiers: tiers.into(),
            backplane,
            flights: Flights::new(config.max_fills.get()),
            figures: Figures::new(),
            refreshes: Arc::new(Semaphore::new(config.max_refreshes.get())),
            weigh,
            passed: quick_cache::sync::Cache::new(config.max_fills.get()),
            generation: AtomicU64::new(marks.generation()),
            marks: RwLock::new(marks),
            random: Mutex::new(random),
            config,
        }
    }

    /// Returns the last generation and the last number among all caches.
    pub(crate) fn position(&self) -> (u64, u64) {
        self.read_marks(|marks| (marks.generation(), marks.sequence()))
    }

    pub(crate) fn read_marks<T>(&self, read: impl FnOnce(&Marks) -> T) -> T {
        read(&self.marks.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the marks, and makes the new generation known.
    pub(crate) fn change_marks<T>(&self, change: impl FnOnce(&mut Marks) -> T) -> T {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut marks);
        self.generation.store(marks.generation(), Ordering::Release);
        changed
    }

    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Makes an entry of a value, for a fill that began at the lead's position.
    pub(crate) fn make(
        &self,
        key: &K,
        value: V,
        mut options: EntryOptions,
        lead: &Lead<K, V>,
        started: Moment,
    ) -> Entry<V> {
        let now = Now::read();
        let took = now.moment.saturating_duration_since(started);
        options.fill_time.get_or_insert(took);
        self.make_at(key, value, options, (lead.generation, lead.sequence), now)
    }

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
        let stripe = self.flights.lock(key);
        if version.is_some_and(|version| !stripe.is_at(key, version)) {
            return;
        }
        let evicted = self.memory.insert(key.clone(), entry.clone());
        for tier in &self.tiers {
            tier.put(key, entry);
        }
        drop(stripe);
        self.passed.remove(key);
        self.written(evicted, timed);
    }

    /// Stores an entry over whatever there is and whoever is filling.
    pub(crate) fn put(&self, key: &K, entry: &Entry<V>) {
        let timed = self.figures.time_write();
        let storable = self.is_storable(key, entry);
        let mut stripe = self.flights.lock(key);
        stripe.overtake(key);
        let evicted = if storable {
            self.memory.insert(key.clone(), entry.clone())
        } else {
            drop(self.memory.remove(key));
            0
        };
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
        drop(stripe);
        self.written(evicted, timed);
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

    /// Finds an entry in memory that is of any use.
    #[inline]
    pub(crate) fn find_in_memory<Q>(&self, key: &Q, now: Moment) -> Option<Entry<V>>
    where
        Q: LookupKey<K> + ?Sized,
    {
        let entry = self.memory.get(key)?;
        if entry.is_fresh_at_a_glance(now, self.generation()) {
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
        let purged = self.check(key, &entry) == Verdict::Purged;
        if purged || entry.freshness(now) == Freshness::Dead {
            self.memory.remove_if_same(key, &entry);
            return None;
        }
        entry.touch(now);
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
            let (verdict, generation) = self.read_marks(|marks| {
                let verdict = marks.verdict(since, &record.labels, || key.bytes());
                (verdict, marks.generation())
            });
            let now = Now::read();
            let dead = record.is_dead_at(now.wall);
            if remote {
                // What another cache counted means nothing here.
                record.generation = lead.generation;
            }
            let entry = Entry::new(stored.value, record, now.moment, now.wall);
            if let Verdict::Stale(moment) = verdict {
                entry.expire(moment);
            }
            let useless = dead || entry.freshness(now.moment) == Freshness::Dead;
            if verdict == Verdict::Purged || useless {
                continue;
            }
            entry.set_checked(generation);
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

    /// Draws from 0 up to 1.
    pub(crate) fn roll(&self) -> f64 {
        self.random
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .f64()
    }

    /// Checks an entry against the purges since it was checked last.
    pub(crate) fn check<Q: LookupKey<K> + ?Sized>(&self, key: &Q, entry: &Entry<V>) -> Verdict {
        if entry.checked() == self.generation() {
            return Verdict::Untouched;
        }
        let record = entry.record();
        let since = Since::Generation(record.generation);
        let (verdict, generation) = self.read_marks(|marks| {
            let verdict = marks.verdict(since, &record.labels, || key.lookup_bytes());
            (verdict, marks.generation())
        });
        match verdict {
            Verdict::Purged => return verdict,
            Verdict::Stale(moment) => entry.expire(moment),
            Verdict::Untouched => {}
        }
        entry.set_checked(generation);
        verdict
    }

    fn is_storable(&self, key: &K, entry: &Entry<V>) -> bool {
        let within = entry.record().is_within(&self.config);
        if !within {
            self.figures.count(Event::Unstorable);
        }
        within && self.check(key, entry) != Verdict::Purged
    }

    /// Stores in the memory, and in the tiers above, what a tier had.
    fn promote(&self, lead: &Lead<K, V>, entry: &Entry<V>, level: usize) {
        let key = lead.key();
        let stripe = self.flights.lock(key);
        if !stripe.is_at(key, lead.version) {
            return;
        }
        let evicted = self.memory.insert(key.clone(), entry.clone());
        for tier in &self.tiers[..level] {
            tier.put(key, entry);
        }
        drop(stripe);
        self.figures.evicted(evicted);
    }

    fn written(&self, evicted: u64, timed: Option<Moment>) {
        self.figures.count(Event::Write);
        self.figures.evicted(evicted);
        if let Some(start) = timed {
            self.figures.written_since(start);
        }
    }
}

impl Now {
    pub(crate) fn read() -> Self {
        Self {
            moment: Moment::exact(),
            wall: milliseconds(tooloo_clock::wall()),
        }
    }
}

/// Returns the milliseconds since 1970.
pub(crate) fn milliseconds(time: SystemTime) -> u64 {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

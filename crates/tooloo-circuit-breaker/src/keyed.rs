//! A breaker for each key, made when it is first asked for.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use prometheus_client::encoding::DescriptorEncoder;
use tooloo_clock::Moment;
use tooloo_hub::Observe;
use tooloo_key::Key;

use crate::{
    CircuitBreaker, CircuitBreakerSnapshot, CircuitBreakersConfig, Permit, Refused, Status, encode,
};

/// How the breaker shows itself that the keys beyond the bound share.
const OTHERS: &str = "_OTHER";

/// Keeps a [`CircuitBreaker`] for each key: an upstream, a route, a tenant.
///
/// They are made when they are first asked for, up to a bound; keys beyond it share one more. A breaker
/// that nobody has used for a while is forgotten, when room is needed and now and then.
///
/// Clones share all of it.
#[derive(Clone, Debug)]
pub struct CircuitBreakers {
    shared: Arc<Shared>,
}

/// Reads the figures of [`CircuitBreakers`].
#[derive(Clone, Debug)]
pub struct CircuitBreakersHandle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    config: CircuitBreakersConfig,
    // Only written under the lock of `next_sweep`, so that its length is exact.
    entries: papaya::HashMap<Key, Arc<Entry>, ahash::RandomState>,
    others: CircuitBreaker,
    // From when on unused breakers may be looked for again.
    next_sweep: Mutex<Moment>,
}

#[derive(Debug)]
struct Entry {
    breaker: CircuitBreaker,
    // In nanoseconds.
    last_used: AtomicU64,
}

impl CircuitBreakers {
    /// Creates the place for breakers, and none of them.
    pub fn new(config: CircuitBreakersConfig) -> Self {
        let others = CircuitBreaker::new(config.breaker.clone());
        let shared = Shared {
            config,
            entries: papaya::HashMap::default(),
            others,
            next_sweep: Mutex::new(Moment::from_nanos(0)),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Returns the breaker of `key`.
    ///
    /// Beyond the bound it is one that other keys share.
    pub fn get(&self, key: &Key) -> CircuitBreaker {
        self.shared.with(key, CircuitBreaker::clone)
    }

    /// Returns the breaker of `key` where there is one, without making it.
    pub fn find(&self, key: &Key) -> Option<CircuitBreaker> {
        let entries = self.shared.entries.pin();
        entries.get(key).map(|entry| entry.breaker.clone())
    }

    /// Lets one call through, as the breaker of `key` decides.
    ///
    /// # Errors
    ///
    /// Returns that breaker's refusal.
    pub fn try_acquire(&self, key: &Key) -> Result<Permit, Refused> {
        self.shared.with(key, CircuitBreaker::try_acquire)
    }

    /// Returns how many breakers there are, without the one that keys beyond the bound share.
    pub fn len(&self) -> usize {
        self.shared.entries.len()
    }

    /// Returns whether there is no breaker yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a read-only view.
    pub fn handle(&self) -> CircuitBreakersHandle {
        CircuitBreakersHandle {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl Shared {
    #[inline]
    fn with<T>(&self, key: &Key, act: impl FnOnce(&CircuitBreaker) -> T) -> T {
        let now = tooloo_clock::coarse();
        {
            let entries = self.entries.pin();
            if let Some(entry) = entries.get(key) {
                entry.last_used.store(now.as_nanos(), Ordering::Relaxed);
                return act(&entry.breaker);
            }
        }
        act(&self.make(key, now))
    }

    #[cold]
    fn make(&self, key: &Key, now: Moment) -> CircuitBreaker {
        let mut next_sweep = (self.next_sweep.lock()).unwrap_or_else(PoisonError::into_inner);
        let entries = self.entries.pin();
        if let Some(entry) = entries.get(key) {
            return entry.breaker.clone();
        }
        if *next_sweep <= now {
            // Not at each new key: a flood of them would make every call look at every breaker.
            *next_sweep = now + self.config.idle_for / 10;
            entries.retain(|_, entry| !self.is_idle(entry, now));
        }
        if entries.len() >= self.config.max_keys.get() {
            return self.others.clone();
        }
        let breaker = CircuitBreaker::new(self.config.breaker.clone());
        let entry = Entry {
            breaker: breaker.clone(),
            last_used: AtomicU64::new(now.as_nanos()),
        };
        entries.insert(key.clone(), Arc::new(entry));
        breaker
    }

    fn is_idle(&self, entry: &Entry, now: Moment) -> bool {
        let last_used = Moment::from_nanos(entry.last_used.load(Ordering::Relaxed));
        last_used + self.config.idle_for <= now
            && entry.breaker.is_unused()
            && match entry.breaker.status() {
                Status::Closed | Status::HalfOpen => true,
                Status::Open => entry.breaker.inner().gate.word().open_until() <= Some(now),
                // What someone said stands until they say otherwise.
                Status::ForcedOpen | Status::Disabled => false,
            }
    }

    /// Returns every breaker with its name, in order; the shared one only where it was used.
    fn all(&self) -> BTreeMap<String, CircuitBreaker> {
        let entries = self.entries.pin();
        let mut all: BTreeMap<_, _> = entries
            .iter()
            .map(|(key, entry)| (key.to_string(), entry.breaker.clone()))
            .collect();
        let others = CircuitBreakerSnapshot::of(self.others.inner());
        if others.call_count + others.rejected_count > 0 {
            all.insert(OTHERS.to_owned(), self.others.clone());
        }
        all
    }
}

impl Observe for CircuitBreakersHandle {
    /// The figures of each breaker, by key.
    type Snapshot = BTreeMap<String, CircuitBreakerSnapshot>;

    fn snapshot(&self) -> Self::Snapshot {
        let all = self.shared.all().into_iter();
        all.map(|(key, breaker)| (key, CircuitBreakerSnapshot::of(breaker.inner())))
            .collect()
    }

    fn encode(&self, metrics: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.shared.all();
        let all: Vec<_> = all
            .iter()
            .map(|(key, breaker)| (Some(key.as_str()), breaker.inner()))
            .collect();
        encode::metrics(&all, metrics)
    }
}

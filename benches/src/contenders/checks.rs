//! Checks of keys in random order, by one thread or by two.

use std::{hint::black_box, num::NonZeroU32, sync::Arc, thread, time::Duration};

use governor::{RateLimiter as Governor, clock::DefaultClock, state::keyed::KeyedStateStore};
use tooloo_key::Key;
use tooloo_rate_limit::{Quota, RateLimitConfig, RateLimiter};
use tower::Layer as _;
use tower_resilience::ratelimiter::RateLimiterLayer;

use super::{Job, breakers};

/// The order of the keys: the same in each run.
const SEED: u64 = 7;

/// What comes of every check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Path {
    /// It is admitted.
    Admitted,
    /// It is refused.
    Refused,
}

/// How many keys are checked by how many threads.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// Different keys.
    pub keys: usize,
    /// Threads, each of which does all of the checks.
    pub threads: usize,
    /// Checks that each of them does.
    pub checks: usize,
    /// What comes of them.
    pub path: Path,
}

/// Where governor keeps its keys.
#[derive(Clone, Copy, Debug)]
pub enum Store {
    /// In a sharded map, its default.
    Dash,
    /// In a map behind a lock.
    Hash,
}

trait Check: Send + Sync + 'static {
    fn admits(&self, key: &Key) -> bool;
}

/// Checks with our limiter.
///
/// # Panics
///
/// Panics where a check does not come to what it should.
pub fn ours(cell: Cell) -> Job {
    let limit = cell.path.limit();
    let quota = match cell.path {
        Path::Admitted => Quota::per_second(limit),
        Path::Refused => Quota::per_hour(limit),
    };
    let keys = cell.keys.max(1000).try_into().expect("it is above zero");
    let config = RateLimitConfig::new(quota).with_max_keys(keys);
    job(RateLimiter::new(config), cell)
}

/// Checks with governor, on the clock that it takes by default.
///
/// # Panics
///
/// Panics where a check does not come to what it should.
pub fn theirs(cell: Cell, store: Store) -> Job {
    let limit = cell.path.limit();
    let quota = match cell.path {
        Path::Admitted => governor::Quota::per_second(limit),
        Path::Refused => governor::Quota::per_hour(limit),
    };
    match store {
        Store::Dash => job(Governor::dashmap(quota), cell),
        Store::Hash => job(Governor::hashmap(quota), cell),
    }
}

/// Asks tower-resilience's limiter, which has one bucket for everyone, around a service that does nothing.
///
/// # Panics
///
/// Panics where it does not take its settings.
pub fn one_bucket(cell: Cell) -> Job {
    let limit = usize::try_from(cell.path.limit().get()).expect("a number of 32 bits fits");
    let layer = RateLimiterLayer::builder()
        .limit_for_period(limit)
        .refresh_period(Duration::from_secs(match cell.path {
            Path::Admitted => 1,
            Path::Refused => 3600,
        }))
        .timeout_duration(Duration::ZERO)
        .build();
    let layer = layer.expect("the settings are valid");
    breakers::drive(layer.layer(breakers::Bare { fails: false }), cell.checks)
}

impl Path {
    fn limit(self) -> NonZeroU32 {
        match self {
            Self::Admitted => NonZeroU32::new(1_000_000_000).expect("it is not zero"),
            Self::Refused => NonZeroU32::MIN,
        }
    }
}

impl Check for RateLimiter {
    #[inline]
    fn admits(&self, key: &Key) -> bool {
        self.check(key).is_ok()
    }
}

impl<S: KeyedStateStore<Key> + Send + Sync + 'static> Check for Governor<Key, S, DefaultClock> {
    #[inline]
    fn admits(&self, key: &Key) -> bool {
        self.check_key(key).is_ok()
    }
}

fn job(limiter: impl Check, cell: Cell) -> Job {
    let keys: Vec<_> = (0..cell.keys)
        .map(|n| Key::from(format!("client-{n:09}")))
        .collect();
    for key in &keys {
        // Spent where there is one token only.
        limiter.admits(key);
        let admitted = limiter.admits(key);
        assert_eq!(admitted, cell.path == Path::Admitted, "{cell:?}");
    }
    let mut random = fastrand::Rng::with_seed(SEED);
    let order = (0..cell.checks).map(|_| keys[random.usize(..keys.len())].clone());
    let order: Vec<_> = order.collect();
    if cell.threads == 1 {
        return Job::new(cell.checks, move || check_all(&limiter, &order));
    }
    let shared = Arc::new((limiter, order));
    Job::new(cell.checks, move || {
        thread::scope(|scope| {
            for _ in 0..cell.threads {
                scope.spawn(|| check_all(&shared.0, &shared.1));
            }
        });
    })
}

fn check_all(limiter: &impl Check, order: &[Key]) {
    for key in order {
        black_box(limiter.admits(black_box(key)));
    }
}

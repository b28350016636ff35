//! Decides: finds a key's bucket, spends from it, counts.

mod bell;
mod change;
mod decide;
mod find;
mod room;
mod serve;
mod tally;
mod view;
mod wait;

use std::{
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use tooloo_clock::Moment;
use tooloo_key::Key;

use self::room::Room;
pub(crate) use self::wait::Entry;
use crate::{
    RateLimitConfig, RateLimited,
    current::Current,
    figures::Figures,
    keys::Keys,
    state::{Bucket, Common, Outcome, Policy, Seats, Terms},
    sync::AtomicU64,
};

/// What a limiter and its clones share.
///
/// Locks are taken in this order: the waiting room, a shard's of the keys, one bucket's, the common tiers'. Buckets are
/// replaced only under the room's.
#[derive(Debug)]
pub(crate) struct Engine {
    keys: Keys,
    generation: AtomicU64,
    // Of keys that have no quota of their own.
    terms: Current<Arc<Terms>>,
    common: Mutex<Common>,
    room: Mutex<Room>,
    figures: Figures,
    seats: Seats,
    // A refusal this close to its end is decided by an exact reading.
    lag: u64,
}

impl Engine {
    pub(crate) fn new(config: RateLimitConfig) -> Arc<Self> {
        Arc::new_cyclic(|engine| Self::known(Weak::clone(engine), config))
    }

    /// Makes an engine that can be found from where its bell goes off.
    fn known(engine: Weak<Self>, config: RateLimitConfig) -> Self {
        let tiers: Arc<[_]> = config.tiers.into();
        Self {
            keys: Keys::new(config.max_keys.get()),
            generation: AtomicU64::new(0),
            common: Mutex::new(Common::new(&tiers)),
            terms: Current::new(Terms::new(Arc::new(Policy::new(tiers, 0, false)))),
            room: Mutex::new(Room::new(
                engine,
                config.max_waiting,
                config.max_waiting_per_key,
            )),
            figures: Figures::default(),
            seats: Seats::default(),
            lag: nanos(tooloo_clock::coarse_lag()),
        }
    }

    /// Counts what was decided elsewhere.
    pub(crate) fn note(&self, key: &Key, result: &Result<(), RateLimited>) {
        let now = tooloo_clock::coarse();
        self.at(key, |pinned| {
            self.bucket(pinned, now)?;
            self.count_result(pinned, result);
            Some(())
        });
    }

    /// Returns what comes of spending, or `None` where `cost` can never be met.
    #[inline]
    fn outcome(&self, bucket: &Bucket, cost: u64, now: Moment) -> Option<Outcome> {
        (!bucket.is_too_small_for(cost)).then(|| bucket.spend(now, cost, &self.common))
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;

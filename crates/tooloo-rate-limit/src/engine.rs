//! Decides: finds a key's bucket, spends from it, counts.

mod bell;
mod change;
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

use arc_swap::ArcSwap;
use tooloo_clock::Moment;
use tooloo_key::Key;

use self::room::Room;
pub(crate) use self::wait::Entry;
use crate::{
    RateLimitConfig, RateLimited, Refusal, Tier,
    figures::Figures,
    keys::{Keys, Pinned},
    standing::Stands,
    state::{Aside, Bucket, Common, Outcome, Policy, Seats, Terms},
    sync::{AtomicU64, lock},
};

/// What a limiter and its clones share.
///
/// Locks are taken in this order: the waiting room, one bucket's, the common tiers'. Buckets are
/// replaced only under the room's.
#[derive(Debug)]
pub(crate) struct Engine {
    keys: Keys,
    generation: AtomicU64,
    // Of keys that have no quota of their own.
    terms: ArcSwap<Terms>,
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
            terms: ArcSwap::new(Terms::new(Arc::new(Policy::new(tiers, 0, false)))),
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

    /// Spends `cost` tokens of `key`'s, or says why not.
    #[inline]
    pub(crate) fn spend(&self, key: &Key, cost: u64) -> Result<(), RateLimited> {
        let now = tooloo_clock::coarse();
        self.at(key, |pinned| {
            let decided = self.decide(pinned, cost, now)?;
            Some(decided.map(drop))
        })
    }

    /// Spends as [`spend`](Self::spend) does, and tells how the key stands then; `usual` are the tiers
    /// of keys that have none of their own.
    #[inline]
    pub(crate) fn spend_and_tell(
        &self,
        key: &Key,
        cost: u64,
        usual: &Arc<[Tier]>,
    ) -> Result<Stands, RateLimited> {
        let now = tooloo_clock::coarse();
        self.at(key, |pinned| {
            let decided = self.decide(pinned, cost, now)?;
            Some(decided.map(|bucket| {
                let is_usual = Arc::ptr_eq(bucket.policy().tiers(), usual);
                match bucket.glance(now) {
                    Some(glance) if is_usual => Stands::Usual(glance),
                    _ => Stands::Otherwise(self.standings(key)),
                }
            }))
        })
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

    /// Decides at a glance, in the usual case; `None` where the key has no room.
    #[inline]
    fn decide<'a>(
        &self,
        pinned: &'a Pinned<'_>,
        cost: u64,
        now: Moment,
    ) -> Option<Result<&'a Bucket, RateLimited>> {
        let bucket = self.bucket(pinned, now)?;
        let outcome = self.outcome(bucket, cost, now);
        let decided = match outcome {
            Some(Outcome::Admitted) => Ok(bucket),
            Some(Outcome::Short { own, common }) if self.is_far(own.max(common), now) => {
                Err(short(own.max(common), now))
            }
            _ => return self.decide_closely(pinned, bucket, cost, now, outcome),
        };
        self.count(pinned, bucket, decided.is_ok());
        Some(decided)
    }

    /// Decides what a coarse glance does not.
    #[cold]
    fn decide_closely<'a>(
        &self,
        pinned: &'a Pinned<'_>,
        mut bucket: &'a Bucket,
        cost: u64,
        mut now: Moment,
        mut outcome: Option<Outcome>,
    ) -> Option<Result<&'a Bucket, RateLimited>> {
        let refusal = loop {
            match outcome {
                None => break RateLimited::for_ever(),
                Some(Outcome::Admitted) => {
                    self.count_seldom(pinned, bucket, true);
                    return Some(Ok(bucket));
                }
                Some(Outcome::Short { own, common }) => {
                    let until = own.max(common);
                    let far = self.is_far(until, now);
                    let exact = if far { now } else { Moment::exact() };
                    if exact <= now {
                        break short(until, now);
                    }
                    now = exact;
                }
                Some(Outcome::Aside(Aside::Held)) => {
                    if let Some(wait) = self.behind(pinned, cost) {
                        break RateLimited::after(Refusal::QuotaSpent, wait);
                    }
                }
                Some(Outcome::Aside(Aside::Gone)) => pinned.bury(),
                // Whoever moves it holds the lock until the other is in its place.
                Some(Outcome::Aside(Aside::Moved)) => drop(lock(&self.room)),
            }
            bucket = self.bucket(pinned, now)?;
            outcome = self.outcome(bucket, cost, now);
        };
        self.count_seldom(pinned, bucket, false);
        Some(Err(refusal))
    }

    /// Whether `until` is so far off that a coarse reading cannot be mistaken.
    #[inline]
    fn is_far(&self, until: Moment, now: Moment) -> bool {
        until.as_nanos().saturating_sub(now.as_nanos()) > self.lag
    }

    /// Returns what comes of spending, or `None` where `cost` can never be met.
    #[inline]
    fn outcome(&self, bucket: &Bucket, cost: u64, now: Moment) -> Option<Outcome> {
        (!bucket.is_too_small_for(cost)).then(|| bucket.spend(now, cost, &self.common))
    }
}

#[inline]
fn short(until: Moment, now: Moment) -> RateLimited {
    let wait = until.as_nanos().saturating_sub(now.as_nanos());
    RateLimited::after_nanos(Refusal::QuotaSpent, wait)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

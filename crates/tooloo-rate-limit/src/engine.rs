//! Decides: finds a key's bucket, spends from it, counts.

mod change;
mod room;
mod serve;
mod view;
mod wait;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use arc_swap::ArcSwap;
use tooloo_clock::Moment;
use tooloo_key::Key;

use self::room::Room;
pub(crate) use self::wait::Entry;
use crate::{
    RateLimitConfig, RateLimited, Refusal,
    figures::Figures,
    keys::{Keys, Pinned},
    state::{Aside, Bucket, Common, Outcome, Policy, Terms},
    sync::{AtomicU64, Ordering, lock},
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
    // A refusal this close to its end is decided by an exact reading.
    lag: Duration,
}

impl Engine {
    pub(crate) fn new(config: RateLimitConfig) -> Self {
        let tiers: Arc<[_]> = config.tiers.into();
        Self {
            keys: Keys::new(config.max_keys.get()),
            generation: AtomicU64::new(0),
            common: Mutex::new(Common::new(&tiers)),
            terms: ArcSwap::new(Terms::new(Arc::new(Policy::new(tiers, 0, false)))),
            room: Mutex::new(Room::new(config.max_waiting, config.max_waiting_per_key)),
            figures: Figures::default(),
            lag: tooloo_clock::coarse_lag(),
        }
    }

    /// Spends `cost` tokens of `key`'s, or says why not.
    #[inline]
    pub(crate) fn spend(&self, key: &Key, cost: u64) -> Result<(), RateLimited> {
        let now = tooloo_clock::coarse();
        self.at(key, |pinned| self.decide(pinned, cost, now))
    }

    /// Counts what was decided elsewhere.
    pub(crate) fn note(&self, key: &Key, result: &Result<(), RateLimited>) {
        let now = tooloo_clock::coarse();
        self.at(key, |pinned| {
            self.bucket(pinned, now)?;
            self.count(pinned, result);
            Some(())
        });
    }

    /// Does something at `key`'s bucket, or at the one that strangers share where it has none.
    #[inline]
    fn at<T>(&self, key: &Key, act: impl Fn(&Pinned<'_>) -> Option<T>) -> T {
        act(&self.keys.pin(key)).unwrap_or_else(|| {
            act(&self.keys.pin_overflow()).expect("there is always room for the strangers' bucket")
        })
    }

    /// Finds a bucket of the present settings, or adds one.
    #[inline]
    fn bucket<'a>(&self, pinned: &'a Pinned<'_>, now: Moment) -> Option<&'a Bucket> {
        match pinned.find() {
            Some(bucket) if !self.is_stale(bucket) => Some(bucket),
            _ => self.fresh_bucket(pinned, now),
        }
    }

    #[cold]
    fn fresh_bucket<'a>(&self, pinned: &'a Pinned<'_>, now: Moment) -> Option<&'a Bucket> {
        loop {
            match pinned.find() {
                Some(bucket) if !self.is_stale(bucket) => return Some(bucket),
                Some(_) => self.renew(&lock(&self.room), pinned, now),
                None => self.add(pinned, now).map(drop)?,
            }
        }
    }

    /// Finds a bucket of the present settings, or adds one, under the room's lock.
    fn bucket_in<'a>(
        &self,
        room: &Room,
        pinned: &'a Pinned<'_>,
        now: Moment,
    ) -> Option<&'a Bucket> {
        loop {
            match pinned.find() {
                Some(bucket) if !self.is_stale(bucket) => return Some(bucket),
                Some(_) => self.renew(room, pinned, now),
                None => self.add(pinned, now).map(drop)?,
            }
        }
    }

    fn add<'a>(&self, pinned: &'a Pinned<'_>, now: Moment) -> Option<&'a Bucket> {
        let mut forgotten = Vec::new();
        let added = pinned.add(&self.terms.load(), now, &mut forgotten);
        self.figures.board.forget(forgotten);
        added
    }

    /// Decides at a glance, in the usual case; `None` where the key has no room.
    #[inline]
    fn decide(
        &self,
        pinned: &Pinned<'_>,
        cost: u64,
        now: Moment,
    ) -> Option<Result<(), RateLimited>> {
        let bucket = self.bucket(pinned, now)?;
        let outcome = self.outcome(bucket, cost, now);
        if outcome == Some(Outcome::Admitted) {
            self.figures.allow(pinned.key(), bucket);
            return Some(Ok(()));
        }
        self.refuse(pinned, bucket, cost, now, outcome)
    }

    /// Decides what a coarse glance would refuse.
    fn refuse<'a>(
        &self,
        pinned: &'a Pinned<'_>,
        mut bucket: &'a Bucket,
        cost: u64,
        mut now: Moment,
        mut outcome: Option<Outcome>,
    ) -> Option<Result<(), RateLimited>> {
        let refusal = loop {
            match outcome {
                None => break RateLimited::for_ever(),
                Some(Outcome::Admitted) => {
                    self.figures.allow(pinned.key(), bucket);
                    return Some(Ok(()));
                }
                Some(Outcome::Short { own, common }) => {
                    let wait = own.max(common).saturating_duration_since(now);
                    let near = wait <= self.lag;
                    let exact = if near { Moment::exact() } else { now };
                    if exact <= now {
                        break RateLimited::after(Refusal::QuotaSpent, wait);
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
        self.figures.deny(pinned.key(), bucket);
        Some(Err(refusal))
    }

    /// Returns what comes of spending, or `None` where `cost` can never be met.
    #[inline]
    fn outcome(&self, bucket: &Bucket, cost: u64, now: Moment) -> Option<Outcome> {
        (!bucket.is_too_small_for(cost)).then(|| bucket.spend(now, cost, &self.common))
    }

    fn count(&self, pinned: &Pinned<'_>, result: &Result<(), RateLimited>) {
        let Some(bucket) = pinned.find() else { return };
        match result {
            Ok(()) => self.figures.allow(pinned.key(), bucket),
            Err(_) => self.figures.deny(pinned.key(), bucket),
        }
    }

    #[inline]
    fn is_stale(&self, bucket: &Bucket) -> bool {
        bucket.policy().generation() != self.generation.load(Ordering::Acquire)
    }
}

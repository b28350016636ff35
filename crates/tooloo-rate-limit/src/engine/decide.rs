//! Decides whether a request is let through.

use std::sync::Arc;

use tooloo_clock::Moment;
use tooloo_key::Key;

use super::Engine;
use crate::{
    RateLimited, Refusal, Tier,
    keys::Pinned,
    standing::Stands,
    state::{Aside, Bucket, Outcome},
    sync::lock,
};

impl Engine {
    /// Spends `cost` tokens of `key`'s, or says why not.
    #[inline]
    pub(crate) fn spend(&self, key: &Key, cost: u64) -> Result<(), RateLimited> {
        let pinned = self.keys.pin(key);
        match self.decide(&pinned, cost) {
            Some((decided, _)) => decided.map(drop),
            None => self.decide_stranger(cost, |_, _| ()),
        }
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
        let stands = |bucket: &Bucket, now| {
            let is_usual = Arc::ptr_eq(bucket.policy().tiers(), usual);
            match bucket.glance(now) {
                Some(glance) if is_usual => Stands::Usual(glance),
                _ => Stands::Otherwise(self.standings(key)),
            }
        };
        let pinned = self.keys.pin(key);
        match self.decide(&pinned, cost) {
            Some((decided, now)) => decided.map(|bucket| stands(bucket, now)),
            None => self.decide_stranger(cost, stands),
        }
    }

    /// Decides at a glance, in the usual case, and says what time it was; `None` where the key has no room.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "what it returns takes longer to pass on than to find"
    )]
    fn decide<'a>(
        &self,
        pinned: &'a Pinned<'_>,
        cost: u64,
    ) -> Option<(Result<&'a Bucket, RateLimited>, Moment)> {
        // Where it is far off in memory, what can be known without it is worked out until it comes.
        let found = pinned.find();
        let now = tooloo_clock::coarse();
        let policy = self.terms.get(pinned.guard()).policy();
        if let Some(charge) = policy.charge(now, cost)
            && let Some(bucket) = found
            && let Some(outcome) = bucket.spend_by(policy, charge, now)
        {
            match self.decided(bucket, outcome, now) {
                Some(Ok(bucket)) => {
                    self.count(pinned, bucket, true);
                    return Some((Ok(bucket), now));
                }
                Some(Err(refusal)) => {
                    self.count(pinned, bucket, false);
                    return Some((Err(refusal), now));
                }
                None => {}
            }
        }
        Some((self.decide_unusual(pinned, cost, now)?, now))
    }

    /// Decides for a key that has no room, and tells of the bucket that it shares.
    #[cold]
    fn decide_stranger<T>(
        &self,
        cost: u64,
        tell: impl FnOnce(&Bucket, Moment) -> T,
    ) -> Result<T, RateLimited> {
        let now = tooloo_clock::coarse();
        let pinned = self.keys.pin_overflow();
        let decided = self.decide_unusual(&pinned, cost, now);
        decided
            .expect("there is always room for the strangers' bucket")
            .map(|bucket| tell(bucket, now))
    }

    /// Decides for keys that are new, or have a quota of their own or several tiers.
    #[inline(never)]
    fn decide_unusual<'a>(
        &self,
        pinned: &'a Pinned<'_>,
        cost: u64,
        now: Moment,
    ) -> Option<Result<&'a Bucket, RateLimited>> {
        let bucket = self.bucket(pinned, now)?;
        let outcome = self.outcome(bucket, cost, now);
        let decided = outcome.and_then(|outcome| self.decided(bucket, outcome, now));
        let Some(decided) = decided else {
            return self.decide_closely(pinned, bucket, cost, now, outcome);
        };
        self.count(pinned, bucket, decided.is_ok());
        Some(decided)
    }

    /// Returns what an outcome says for certain.
    #[inline]
    fn decided<'a>(
        &self,
        bucket: &'a Bucket,
        outcome: Outcome,
        now: Moment,
    ) -> Option<Result<&'a Bucket, RateLimited>> {
        match outcome {
            Outcome::Admitted => Some(Ok(bucket)),
            Outcome::Short { own, common } if self.is_far(own.max(common), now) => {
                Some(Err(short(own.max(common), now)))
            }
            _ => None,
        }
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
        let mut exact = false;
        let refusal = loop {
            match outcome {
                None => break RateLimited::for_ever(),
                Some(Outcome::Admitted) => {
                    self.count_seldom(pinned, bucket, true);
                    return Some(Ok(bucket));
                }
                Some(Outcome::Short { own, common }) => {
                    let until = own.max(common);
                    // Once, or a refusal would wait for its own end.
                    if exact || self.is_far(until, now) {
                        break short(until, now);
                    }
                    now = Moment::exact();
                    exact = true;
                }
                Some(Outcome::Aside(Aside::Held)) => {
                    if let Some(wait) = self.behind(pinned, cost) {
                        break RateLimited::after(Refusal::QuotaSpent, wait);
                    }
                }
                Some(Outcome::Aside(Aside::Gone)) => pinned.settle(),
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
}

#[inline]
fn short(until: Moment, now: Moment) -> RateLimited {
    let wait = until.as_nanos().saturating_sub(now.as_nanos());
    RateLimited::after_nanos(Refusal::QuotaSpent, wait)
}

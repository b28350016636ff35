//! The tokens of one key.

use std::sync::{Arc, Mutex};

use tooloo_clock::Moment;

use super::{
    global::{self, Common},
    level::{Aside, Level, Spend},
    policy::Policy,
};
use crate::{
    Standing,
    config::Tier,
    sync::{AtomicU64, Ordering, lock},
};

/// The tokens of one key, and how often it was let through and sent away.
#[derive(Debug)]
pub(crate) struct Bucket {
    // Of a compound policy only the highest bit counts, and changes under the lock of `levels`.
    level: Level,
    // A key of one tier, the usual one, pays one word for this.
    levels: Option<Box<Mutex<Vec<u64>>>>,
    policy: Arc<Policy>,
    pub(crate) allowed: AtomicU64,
    pub(crate) denied: AtomicU64,
}

/// What came of spending.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    /// The tokens are spent, in every tier.
    Admitted,
    /// Nothing is spent: there are too few until these moments, in the key's own tiers and in those
    /// that all keys share.
    Short { own: Moment, common: Moment },
    /// Nothing is spent: those who wait come first.
    Aside(Aside),
}

impl Bucket {
    /// Makes a full bucket.
    pub(crate) fn new(policy: Arc<Policy>) -> Self {
        let levels = vec![0; policy.own.len()];
        Self::with_levels(policy, levels, false)
    }

    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Whether `cost` is more than the bucket, or one that all keys share, can ever hold.
    #[inline]
    pub(crate) fn is_too_small_for(&self, cost: u64) -> bool {
        cost > self.policy.most
    }

    /// Spends `cost` tokens of every tier, or none.
    #[inline]
    pub(crate) fn spend(&self, now: Moment, cost: u64, common: &Mutex<Common>) -> Outcome {
        if self.policy.compound {
            return self.spend_compound(now, cost, common, false);
        }
        let first = &self.policy.first;
        self.outcome(self.level.spend(first, first.ticks(now), cost), now)
    }

    /// Spends on behalf of those who wait. Only the holder of the waiting order's lock may.
    pub(crate) fn spend_held(&self, now: Moment, cost: u64, common: &Mutex<Common>) -> Outcome {
        if self.policy.compound {
            return self.spend_compound(now, cost, common, true);
        }
        let first = &self.policy.first;
        self.outcome(self.level.spend_held(first, first.ticks(now), cost), now)
    }

    /// Returns when there will be `cost` tokens, at `now` at the earliest.
    pub(crate) fn ready(&self, now: Moment, cost: u64) -> Moment {
        global::latest(&self.policy.own, &self.own_levels(), now, cost)
    }

    /// Gives tokens back, in every tier.
    pub(crate) fn refund(&self, cost: u64, common: &Mutex<Common>) -> Result<(), Aside> {
        let Some(levels) = &self.levels else {
            let first = &self.policy.first;
            return self.level.change(|full_at| first.refund(full_at, cost));
        };
        let mut levels = lock(levels);
        self.ungone()?;
        global::refund(&self.policy.own, &mut levels, cost);
        lock(common).refund(cost);
        Ok(())
    }

    /// Fills the bucket; shared tiers stay as they are.
    pub(crate) fn fill(&self) -> Result<(), Aside> {
        let Some(levels) = &self.levels else {
            return self.level.change(|_| 0);
        };
        let mut levels = lock(levels);
        self.ungone()?;
        levels.fill(0);
        Ok(())
    }

    /// Sets the bucket aside for those who wait.
    pub(crate) fn hold(&self) -> Result<(), Aside> {
        let _levels = self.levels.as_deref().map(lock);
        self.level.hold()
    }

    /// Gives the bucket back to everyone.
    pub(crate) fn release(&self) -> Result<(), Aside> {
        let _levels = self.levels.as_deref().map(lock);
        self.level.release()
    }

    /// Marks the bucket as gone if forgetting it changes nothing: it is full, nobody waits, and no
    /// quota was set for its key.
    pub(crate) fn retire(&self, now: Moment) -> bool {
        if self.policy.pinned {
            return false;
        }
        let levels = self.levels.as_deref().map(lock);
        let full = |levels: &Vec<u64>| {
            let mut buckets = self.policy.own.iter().zip(levels);
            buckets.all(|(meter, level)| *level <= meter.ticks(now))
        };
        levels.as_deref().is_none_or(full) && self.level.retire(self.policy.first.ticks(now))
    }

    /// Returns when the bucket will be full.
    pub(crate) fn full(&self) -> Moment {
        let levels = self.own_levels();
        let full = self.policy.own.iter().zip(levels);
        let full = full.map(|(meter, level)| meter.moment(level)).max();
        full.unwrap_or(Moment::from_nanos(0))
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.level.aside() == Some(Aside::Gone)
    }

    /// Marks this bucket as moved and returns one of another policy: as many tokens stay spent in
    /// each tier of the same name, or the only one.
    pub(crate) fn moved(&self, policy: Arc<Policy>, now: Moment) -> Result<Self, Aside> {
        let levels = self.levels.as_deref().map(lock);
        let (full_at, held) = self.level.take()?;
        let only = [full_at];
        let before: &[u64] = levels.as_deref().map_or(&only, |levels| levels);
        let when = self.policy.ended(now);
        let from: Vec<_> = self.policy.own_tiers().collect();
        let to: Vec<_> = policy.own_tiers().collect();
        let converted = to.iter().zip(&policy.own).map(|(tier, meter)| {
            let same = |other: &&Tier| other.name() == tier.name();
            let at = from.iter().position(same);
            let at = at.or_else(|| (from.len() == 1 && to.len() == 1).then_some(0));
            at.map_or(0, |at| self.policy.own[at].convert(before[at], when, meter))
        });
        let converted = converted.collect();
        drop(to);
        let mut moved = Self::with_levels(policy, converted, held);
        let count = |from: &AtomicU64| AtomicU64::new(from.load(Ordering::Relaxed));
        (moved.allowed, moved.denied) = (count(&self.allowed), count(&self.denied));
        Ok(moved)
    }

    /// Returns how the key stands in each tier.
    pub(crate) fn standings(&self, now: Moment, common: &Mutex<Common>) -> Vec<Standing> {
        let levels = self.own_levels();
        let own = self.policy.own_tiers().zip(&self.policy.own).zip(levels);
        let mut standings: Vec<_> = own
            .map(|((tier, meter), level)| global::standing(tier, meter, level, now))
            .collect();
        if self.policy.compound {
            standings.extend(lock(common).standings(self.policy.tiers(), now));
        }
        standings
    }

    fn with_levels(policy: Arc<Policy>, levels: Vec<u64>, held: bool) -> Self {
        let full_at = if policy.compound { 0 } else { levels[0] };
        Self {
            level: Level::new(full_at, held),
            levels: policy.compound.then(|| Box::new(Mutex::new(levels))),
            policy,
            allowed: AtomicU64::new(0),
            denied: AtomicU64::new(0),
        }
    }

    fn spend_compound(
        &self,
        now: Moment,
        cost: u64,
        common: &Mutex<Common>,
        held: bool,
    ) -> Outcome {
        let levels = self.levels.as_deref();
        let mut levels = lock(levels.expect("a compound policy has levels"));
        match self.level.aside() {
            Some(Aside::Held) if held => {}
            Some(aside) => return Outcome::Aside(aside),
            None => {}
        }
        let mut common = lock(common);
        if common.is_held() && !held {
            return Outcome::Aside(Aside::Held);
        }
        let own = global::latest(&self.policy.own, &levels, now, cost);
        let shared = common.ready(now, cost);
        if own > now || shared > now {
            return Outcome::Short {
                own,
                common: shared,
            };
        }
        global::spend(&self.policy.own, &mut levels, now, cost);
        common.spend(now, cost);
        Outcome::Admitted
    }

    #[inline]
    fn outcome(&self, spend: Spend, now: Moment) -> Outcome {
        match spend {
            Spend::Admitted => Outcome::Admitted,
            Spend::Short(until) => Outcome::Short {
                own: self.policy.first.moment(until),
                common: now,
            },
            Spend::Aside(aside) => Outcome::Aside(aside),
        }
    }

    fn own_levels(&self) -> Vec<u64> {
        match &self.levels {
            Some(levels) => lock(levels).clone(),
            None => vec![self.level.full_at()],
        }
    }

    fn ungone(&self) -> Result<(), Aside> {
        match self.level.aside() {
            Some(aside @ (Aside::Gone | Aside::Moved)) => Err(aside),
            Some(Aside::Held) | None => Ok(()),
        }
    }
}

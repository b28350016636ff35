//! The tokens of one key.

mod count;
mod view;

use std::sync::{Arc, Mutex};

use tooloo_clock::Moment;

use super::{
    counts::{Counts, FULL},
    gcra::Charge,
    global::{self, Common},
    level::{Aside, Level, Spend},
    policy::{Policy, Terms},
    tally::{BUSY, Milestone, Tally},
};
use crate::{config::Tier, sync::lock};

/// The tokens of one key, and how often it was let through and sent away.
#[derive(Debug)]
pub(crate) struct Bucket {
    // Of a compound policy only the highest bit counts, and changes under the lock of `levels`.
    level: Level,
    terms: Arc<Terms>,
    // Until the key has a tally.
    counts: Counts,
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
    pub(crate) fn new(terms: &Arc<Terms>) -> Self {
        let levels = vec![0; terms.policy.own.len()];
        Self::with_levels(terms, levels, false, None)
    }

    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.terms.policy
    }

    /// Whether `cost` is more than the bucket, or one that all keys share, can ever hold.
    #[inline]
    pub(crate) fn is_too_small_for(&self, cost: u64) -> bool {
        cost > self.terms.policy.most
    }

    /// Spends `cost` tokens of every tier, or none.
    #[inline]
    pub(crate) fn spend(&self, now: Moment, cost: u64, common: &Mutex<Common>) -> Outcome {
        if self.terms.policy.compound {
            return self.spend_compound(now, cost, common, false);
        }
        let first = &self.terms.policy.first;
        self.outcome(self.level.spend(first.charge(first.ticks(now), cost)), now)
    }

    /// Spends what was worked out by `policy`; `None` where that is not this bucket's.
    #[inline]
    pub(crate) fn spend_by(
        &self,
        policy: &Arc<Policy>,
        charge: Charge,
        now: Moment,
    ) -> Option<Outcome> {
        let same = Arc::ptr_eq(&self.terms.policy, policy);
        same.then(|| self.outcome(self.level.spend(charge), now))
    }

    /// Spends on behalf of those who wait. Only the holder of the waiting order's lock may.
    pub(crate) fn spend_held(&self, now: Moment, cost: u64, common: &Mutex<Common>) -> Outcome {
        if self.terms.policy.compound {
            return self.spend_compound(now, cost, common, true);
        }
        let first = &self.terms.policy.first;
        self.outcome(
            self.level.spend_held(first.charge(first.ticks(now), cost)),
            now,
        )
    }

    /// Gives tokens back, in every tier.
    pub(crate) fn refund(&self, cost: u64, common: &Mutex<Common>) -> Result<(), Aside> {
        let Some(levels) = &self.terms.levels else {
            let first = &self.terms.policy.first;
            return self.level.change(|full_at| first.refund(full_at, cost));
        };
        let mut levels = lock(levels);
        self.ungone()?;
        global::refund(&self.terms.policy.own, &mut levels, cost);
        lock(common).refund(cost);
        Ok(())
    }

    /// Fills the bucket; shared tiers stay as they are.
    pub(crate) fn fill(&self) -> Result<(), Aside> {
        let Some(levels) = &self.terms.levels else {
            return self.level.change(|_| 0);
        };
        let mut levels = lock(levels);
        self.ungone()?;
        levels.fill(0);
        Ok(())
    }

    /// Sets the bucket aside for those who wait.
    pub(crate) fn hold(&self) -> Result<(), Aside> {
        let _levels = self.terms.levels.as_ref().map(lock);
        self.level.hold()
    }

    /// Gives the bucket back to everyone.
    pub(crate) fn release(&self) -> Result<(), Aside> {
        let _levels = self.terms.levels.as_ref().map(lock);
        self.level.release()
    }

    /// Marks the bucket as gone if forgetting it changes nothing: it is full, nobody waits, and no
    /// quota was set for its key.
    pub(crate) fn retire(&self, now: Moment) -> bool {
        if self.terms.policy.pinned {
            return false;
        }
        let levels = self.terms.levels.as_ref().map(lock);
        let full = |levels: &Vec<u64>| {
            let mut buckets = self.terms.policy.own.iter().zip(levels);
            buckets.all(|(meter, level)| *level <= meter.ticks(now))
        };
        levels.as_deref().is_none_or(full) && self.level.retire(self.terms.policy.first.ticks(now))
    }

    pub(crate) fn is_moved(&self) -> bool {
        self.level.aside() == Some(Aside::Moved)
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.level.aside() == Some(Aside::Gone)
    }

    /// Marks this bucket as moved and returns one of another policy: as many tokens stay spent in
    /// each tier of the same name, or the only one.
    pub(crate) fn moved(&self, terms: &Arc<Terms>, now: Moment) -> Result<Self, Aside> {
        let levels = self.terms.levels.as_ref().map(lock);
        let (full_at, held) = self.level.take()?;
        let only = [full_at];
        let before: &[u64] = levels.as_deref().map_or(&only, |levels| levels);
        let when = self.terms.policy.ended(now);
        let from: Vec<_> = self.terms.policy.own_tiers().collect();
        let to: Vec<_> = terms.policy.own_tiers().collect();
        let converted = to.iter().zip(&terms.policy.own).map(|(tier, meter)| {
            let same = |other: &&Tier| other.name() == tier.name();
            let at = from.iter().position(same);
            let at = at.or_else(|| (from.len() == 1 && to.len() == 1).then_some(0));
            at.map_or(0, |at| {
                self.terms.policy.own[at].convert(before[at], when, meter)
            })
        });
        let converted = converted.collect();
        let mut moved = Self::with_levels(terms, converted, held, self.terms.tally.clone());
        moved.counts = Counts::from(&self.counts.end());
        Ok(moved)
    }

    /// Marks this bucket as moved and returns the same one.
    pub(crate) fn carried(&self) -> Result<Self, Aside> {
        let _levels = self.terms.levels.as_ref().map(lock);
        let (full_at, held) = self.level.take()?;
        Ok(Self {
            level: Level::new(full_at, held),
            terms: Arc::clone(&self.terms),
            counts: Counts::from(&self.counts.end()),
        })
    }

    fn with_levels(
        terms: &Arc<Terms>,
        levels: Vec<u64>,
        held: bool,
        tally: Option<Arc<Tally>>,
    ) -> Self {
        let full_at = if terms.policy.compound { 0 } else { levels[0] };
        Self {
            level: Level::new(full_at, held),
            terms: terms.of_bucket(levels, tally),
            counts: Counts::default(),
        }
    }

    fn spend_compound(
        &self,
        now: Moment,
        cost: u64,
        common: &Mutex<Common>,
        held: bool,
    ) -> Outcome {
        let levels = self.terms.levels.as_ref();
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
        let own = global::latest(&self.terms.policy.own, &levels, now, cost);
        let shared = common.ready(now, cost);
        if own > now || shared > now {
            return Outcome::Short {
                own,
                common: shared,
            };
        }
        global::spend(&self.terms.policy.own, &mut levels, now, cost);
        common.spend(now, cost);
        Outcome::Admitted
    }

    #[inline]
    fn outcome(&self, spend: Spend, now: Moment) -> Outcome {
        match spend {
            Spend::Admitted => Outcome::Admitted,
            Spend::Short(until) => Outcome::Short {
                own: self.terms.policy.first.moment(until),
                common: now,
            },
            Spend::Aside(aside) => Outcome::Aside(aside),
        }
    }

    fn ungone(&self) -> Result<(), Aside> {
        match self.level.aside() {
            Some(aside @ (Aside::Gone | Aside::Moved)) => Err(aside),
            Some(Aside::Held) | None => Ok(()),
        }
    }
}

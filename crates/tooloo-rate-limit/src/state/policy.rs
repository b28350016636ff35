//! What a key's bucket is measured by.

use std::sync::{Arc, Mutex, OnceLock};

use tooloo_clock::Moment;

use super::{
    gcra::{Charge, Gcra},
    tally::Tally,
};
use crate::config::{Quota, Scope, Tier};

/// The quotas of a key, at one generation of the limiter's settings.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(super) generation: u64,
    // Set for one key by hand, and kept when the settings change.
    pub(super) pinned: bool,
    pub(super) first: Gcra,
    pub(super) own: Box<[Gcra]>,
    // More than one number must change together.
    pub(super) compound: bool,
    // The largest cost that can ever be met.
    pub(super) most: u64,
    tiers: Arc<[Tier]>,
    ended: OnceLock<Moment>,
}

/// A policy, the levels of a bucket that has more than one, and the tally of a busy one.
///
/// Buckets of one tier that are not busy, the usual ones, share it, and pay one word for it.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(super) policy: Arc<Policy>,
    pub(super) levels: Option<Mutex<Vec<u64>>>,
    pub(super) tally: Option<Arc<Tally>>,
}

impl Policy {
    /// Makes a policy of all of a limiter's tiers.
    pub(crate) fn new(tiers: Arc<[Tier]>, generation: u64, pinned: bool) -> Self {
        let own: Box<[Gcra]> = quotas(&tiers, Scope::Key)
            .map(|quota| Gcra::new(&quota))
            .collect();
        let bursts = tiers.iter().map(|tier| tier.quota().burst().get());
        let most = bursts.min().map_or(0, u64::from);
        let quota = tiers[0].quota();
        Self {
            generation,
            pinned,
            first: own.first().copied().unwrap_or_else(|| Gcra::new(&quota)),
            compound: own.len() != 1 || tiers.len() > own.len(),
            own,
            most,
            tiers,
            ended: OnceLock::new(),
        }
    }

    /// Returns this policy's quotas for each key, beside the shared ones of `tiers`.
    pub(crate) fn renewed(&self, tiers: &[Tier], generation: u64) -> Self {
        let own = self.own_tiers();
        let shared = tiers.iter().filter(|tier| tier.scope() == Scope::All);
        Self::new(
            own.chain(shared).cloned().collect(),
            generation,
            self.pinned,
        )
    }

    /// Works out what `cost` tokens at `now` are in the one tier; `None` where more count, or where the bucket
    /// can never hold as many.
    #[inline]
    pub(crate) fn charge(&self, now: Moment, cost: u64) -> Option<Charge> {
        let usual = !self.compound && cost <= self.most;
        usual.then(|| self.first.charge(self.first.ticks(now), cost))
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn is_pinned(&self) -> bool {
        self.pinned
    }

    pub(super) fn own_tiers(&self) -> impl Iterator<Item = &Tier> {
        self.tiers.iter().filter(|tier| tier.scope() == Scope::Key)
    }

    pub(crate) fn tiers(&self) -> &Arc<[Tier]> {
        &self.tiers
    }

    /// Says when another policy took over; debts are told in tokens of that time.
    pub(crate) fn end(&self, now: Moment) {
        // The first end is the one that counts.
        let _ = self.ended.set(now);
    }

    pub(super) fn ended(&self, now: Moment) -> Moment {
        self.ended.get().map_or(now, |ended| (*ended).min(now))
    }
}

impl Terms {
    /// Makes the terms of buckets that are yet to be.
    pub(crate) fn new(policy: Arc<Policy>) -> Arc<Self> {
        Arc::new(Self {
            policy,
            levels: None,
            tally: None,
        })
    }

    pub(crate) fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// Makes the terms of one bucket.
    pub(super) fn of_bucket(
        self: &Arc<Self>,
        levels: Vec<u64>,
        tally: Option<Arc<Tally>>,
    ) -> Arc<Self> {
        if !self.policy.compound && tally.is_none() {
            return Arc::clone(self);
        }
        Arc::new(Self {
            policy: Arc::clone(&self.policy),
            levels: self.policy.compound.then(|| Mutex::new(levels)),
            tally,
        })
    }
}

pub(super) fn quotas(tiers: &[Tier], scope: Scope) -> impl Iterator<Item = Quota> {
    tiers
        .iter()
        .filter(move |tier| tier.scope() == scope)
        .map(Tier::quota)
}

//! Tells how a bucket stands, and spends nothing.

use std::sync::Mutex;

use tooloo_clock::Moment;

use super::{Bucket, Common, global};
use crate::{Standing, standing::Glance, sync::lock};

impl Bucket {
    /// Returns when there will be `cost` tokens, at `now` at the earliest.
    pub(crate) fn ready(&self, now: Moment, cost: u64) -> Moment {
        global::latest(&self.terms.policy.own, &self.own_levels(), now, cost)
    }

    /// Returns when the bucket will be full.
    pub(crate) fn full(&self) -> Moment {
        let levels = self.own_levels();
        let full = self.terms.policy.own.iter().zip(levels);
        let full = full.map(|(meter, level)| meter.moment(level)).max();
        full.unwrap_or(Moment::from_nanos(0))
    }

    /// Returns how the key stands where it has one tier and no others count; `None` where more do, or
    /// where another bucket is taking its place.
    #[inline]
    pub(crate) fn glance(&self, now: Moment) -> Option<Glance> {
        let policy = &self.terms.policy;
        let meter = &policy.first;
        let level = self.level.unmoved().filter(|_| !policy.compound)?;
        Some(global::glance(meter, level, now))
    }

    /// Returns how the key stands in each tier.
    pub(crate) fn standings(&self, now: Moment, common: &Mutex<Common>) -> Vec<Standing> {
        let levels = self.own_levels();
        let own = self
            .terms
            .policy
            .own_tiers()
            .zip(&self.terms.policy.own)
            .zip(levels);
        let mut standings: Vec<_> = own
            .map(|((tier, meter), level)| global::standing(tier, meter, level, now))
            .collect();
        if self.terms.policy.compound {
            standings.extend(lock(common).standings(self.terms.policy.tiers(), now));
        }
        standings
    }

    pub(super) fn own_levels(&self) -> Vec<u64> {
        match &self.terms.levels {
            Some(levels) => lock(levels).clone(),
            None => vec![self.level.full_at()],
        }
    }
}

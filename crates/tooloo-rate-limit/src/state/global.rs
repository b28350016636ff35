//! The tiers that all keys share.

use std::time::Duration;

use tooloo_clock::Moment;

use super::{gcra::Gcra, policy::quotas};
use crate::{
    Standing,
    config::{Scope, Tier},
    standing::Glance,
};

/// The buckets that every request is charged to beside its key's own.
#[derive(Debug)]
pub(crate) struct Common {
    meters: Box<[Gcra]>,
    levels: Box<[u64]>,
    held: bool,
}

impl Common {
    pub(crate) fn new(tiers: &[Tier]) -> Self {
        let meters: Box<[Gcra]> = meters(tiers);
        Self {
            levels: vec![0; meters.len()].into(),
            meters,
            held: false,
        }
    }

    /// Goes on under other settings: as many tokens stay spent in each tier of the same name.
    pub(crate) fn change(&mut self, from: &[Tier], to: &[Tier], now: Moment) {
        let meters = meters(to);
        let levels = shared(to).zip(&*meters).map(|(tier, meter)| {
            let before = shared(from).position(|other| other.name() == tier.name());
            before.map_or(0, |at| self.meters[at].convert(self.levels[at], now, meter))
        });
        self.levels = levels.collect();
        self.meters = meters;
    }

    /// Whether requests wait for these tiers: only they may spend then, in their order.
    pub(crate) fn is_held(&self) -> bool {
        self.held
    }

    pub(crate) fn set_held(&mut self, held: bool) {
        self.held = held;
    }

    /// Returns when there will be `cost` tokens in every tier, at `now` at the earliest.
    pub(crate) fn ready(&self, now: Moment, cost: u64) -> Moment {
        latest(&self.meters, &self.levels, now, cost)
    }

    pub(super) fn spend(&mut self, now: Moment, cost: u64) {
        spend(&self.meters, &mut self.levels, now, cost);
    }

    pub(super) fn refund(&mut self, cost: u64) {
        refund(&self.meters, &mut self.levels, cost);
    }

    pub(super) fn standings(&self, tiers: &[Tier], now: Moment) -> Vec<Standing> {
        let buckets = self.meters.iter().zip(&self.levels);
        let standings = shared(tiers).zip(buckets);
        standings
            .map(|(tier, (meter, level))| standing(tier, meter, *level, now))
            .collect()
    }
}

/// Returns when every bucket will have `cost` tokens, at `now` at the earliest.
pub(super) fn latest(meters: &[Gcra], levels: &[u64], now: Moment, cost: u64) -> Moment {
    let ready = meters.iter().zip(levels).map(|(meter, level)| {
        match meter.spend(*level, meter.ticks(now), cost) {
            Ok(_) => now,
            Err(until) => meter.moment(until),
        }
    });
    ready.max().unwrap_or(now)
}

/// Spends from every bucket; the caller has found each [ready](latest).
pub(super) fn spend(meters: &[Gcra], levels: &mut [u64], now: Moment, cost: u64) {
    for (meter, level) in meters.iter().zip(levels) {
        *level = meter
            .spend(*level, meter.ticks(now), cost)
            .unwrap_or(*level);
    }
}

pub(super) fn refund(meters: &[Gcra], levels: &mut [u64], cost: u64) {
    for (meter, level) in meters.iter().zip(levels) {
        *level = meter.refund(*level, cost);
    }
}

pub(super) fn standing(tier: &Tier, meter: &Gcra, level: u64, now: Moment) -> Standing {
    let Glance { remaining, full_in } = glance(meter, level, now);
    Standing::new(tier, remaining.into(), Duration::from_nanos(full_in))
}

#[inline]
pub(super) fn glance(meter: &Gcra, level: u64, now: Moment) -> Glance {
    let remaining = meter.available(level, meter.ticks(now));
    Glance {
        remaining: u32::try_from(remaining).unwrap_or(u32::MAX),
        full_in: meter
            .moment(level)
            .as_nanos()
            .saturating_sub(now.as_nanos()),
    }
}

fn meters(tiers: &[Tier]) -> Box<[Gcra]> {
    quotas(tiers, Scope::All)
        .map(|quota| Gcra::new(&quota))
        .collect()
}

fn shared(tiers: &[Tier]) -> impl Iterator<Item = &Tier> {
    tiers.iter().filter(|tier| tier.scope() == Scope::All)
}

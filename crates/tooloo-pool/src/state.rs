//! Who has which connection and who waits for one; `now` is passed in, and nothing here waits.

mod burial;
mod demand;
mod effects;
mod handing;
mod health;
mod line;
mod proof;
mod queue;
mod slots;
mod tenants;
mod tend;
#[cfg(test)]
mod tests;

use std::task::Waker;

use tooloo_clock::Moment;

pub use self::slots::Leak;
pub(crate) use self::{
    effects::{Dead, Effects},
    health::Failure,
    line::{Entry, Given, Nesting},
    slots::Claim,
};
use self::{
    health::Health,
    line::{Waiting, begins},
    queue::Queue,
    slots::{Slots, Unlent},
    tenants::Tenants,
};
use crate::{config::PoolConfig, figures::Tally};

/// A connection, and what the pool knows of it.
#[derive(Debug)]
pub(crate) struct Pooled<C> {
    pub(crate) connection: C,
    slot: usize,
    generation: u32,
    // In which it was last known to be good.
    epoch: u32,
    expires: Moment,
    // When a borrower last gave it back.
    used: Moment,
    // When it was last known to be good.
    good: Moment,
}

/// How a connection comes back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Back {
    /// A borrower used it.
    Used,
    /// Its other end has just answered.
    Checked,
    /// Nobody did anything with it.
    Unused,
}

/// The pool without its lock.
#[derive(Debug)]
pub(crate) struct State<C> {
    pub(crate) config: PoolConfig,
    // The one that was used last is lent first: it is at the end.
    idle: Vec<Box<Pooled<C>>>,
    queue: Queue<Waiting<C>>,
    slots: Slots,
    tenants: Tenants,
    health: Health,
    connecting: usize,
    closing: usize,
    closed: bool,
    // Whether a task of the pool's looks after the idle connections.
    tended: bool,
    // Whether a task of the pool's watches the deadlines of those who wait.
    watched: bool,
    pub(crate) tally: Tally,
    random: fastrand::Rng,
}

impl<C> State<C> {
    pub(crate) fn new(config: PoolConfig) -> Self {
        Self {
            idle: Vec::new(),
            queue: Queue::new(),
            slots: Slots::new(),
            tenants: Tenants::new(config.tenant_share),
            health: Health::new(),
            connecting: 0,
            closing: 0,
            closed: false,
            tended: false,
            watched: false,
            tally: Tally::new(),
            random: config
                .seed
                .map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed),
            config,
        }
    }

    #[inline]
    pub(crate) fn has_idle(&self) -> bool {
        !self.idle.is_empty()
    }

    /// Lends the idle connection that was used last, where that asks for nothing else.
    #[inline]
    pub(crate) fn take_at_once(&mut self, claim: &Claim, now: Moment) -> Option<Box<Pooled<C>>> {
        if !self.tended || self.closed || self.tenants.are_limited() {
            return None;
        }
        let last = self.idle.last()?;
        if self.retirement(last, now).is_some() || self.needs_check(last, now) {
            return None;
        }
        let pooled = self.idle.pop()?;
        self.lease(pooled.slot, claim.clone(), now);
        self.tally.at_once += 1;
        Some(pooled)
    }

    /// Takes back a connection that a borrower used, where that asks for nothing but to wake somebody; returns it
    /// otherwise.
    #[inline]
    pub(crate) fn put_at_once(
        &mut self,
        mut pooled: Box<Pooled<C>>,
        now: Moment,
    ) -> Result<Option<Waker>, Box<Pooled<C>>> {
        if self.tenants.are_limited() || self.retirement(&pooled, now).is_some() {
            return Err(pooled);
        }
        (pooled.used, pooled.good) = (now, now);
        let Some(ticket) = self.queue.first() else {
            self.set(pooled.slot, Unlent::Idle);
            self.rest(pooled);
            return Ok(None);
        };
        Ok(self.hand_over_at_once(ticket, pooled, now))
    }

    /// Lends the idle connection that was used last, where nobody who waits may have it.
    #[inline]
    pub(crate) fn take(
        &mut self,
        entry: &Entry,
        now: Moment,
        effects: &mut Effects<C>,
    ) -> Option<Given<C>> {
        effects.upkeep = begins(&mut self.tended);
        let (claim, max) = (&entry.claim, self.config.max.get());
        if self.closed || !self.tenants.may_lease(claim.tenant.as_deref(), max) {
            return None;
        }
        let pooled = self.next_idle(now, effects)?;
        self.lease(pooled.slot, claim.clone(), now);
        Some(self.given(pooled, now))
    }

    /// Takes a connection back, and gives it to whoever waited longest.
    #[inline]
    pub(crate) fn put(
        &mut self,
        mut pooled: Box<Pooled<C>>,
        back: Back,
        now: Moment,
        effects: &mut Effects<C>,
    ) {
        match back {
            Back::Used => (pooled.used, pooled.good) = (now, now),
            Back::Checked => self.proved(&mut pooled, now),
            Back::Unused => {}
        }
        if let Some(reason) = self.retirement(&pooled, now) {
            return self.bury(*pooled, reason, now, effects);
        }
        self.set(pooled.slot, Unlent::Idle);
        match self.next_waiting() {
            Some(waiting) => self.hand_over(waiting, pooled, now, effects),
            None => self.rest(pooled),
        }
    }

    /// Takes the idle connection that was used last, and buries those on the way that are past their time.
    #[inline]
    fn next_idle(&mut self, now: Moment, effects: &mut Effects<C>) -> Option<Box<Pooled<C>>> {
        loop {
            let pooled = self.idle.pop()?;
            match self.retirement(&pooled, now) {
                None => return Some(pooled),
                Some(reason) => self.bury(*pooled, reason, now, effects),
            }
        }
    }

    /// Puts a connection among the idle ones, which are in the order of their last use.
    #[inline]
    fn rest(&mut self, pooled: Box<Pooled<C>>) {
        match self.idle.last() {
            Some(last) if last.used > pooled.used => {
                let place = self.idle.partition_point(|other| other.used <= pooled.used);
                self.idle.insert(place, pooled);
            }
            _ => self.idle.push(pooled),
        }
    }

    #[inline]
    fn lease(&mut self, slot: usize, claim: Claim, now: Moment) {
        self.tenants.lease(claim.tenant.as_deref());
        let former = self.slots.lend(slot, claim, now);
        self.tenants.give_back(former.as_deref());
    }

    /// Changes what a connection is doing, and gives its tenant's share back.
    #[inline]
    fn set(&mut self, slot: usize, next: Unlent) {
        let former = self.slots.set(slot, next);
        self.tenants.give_back(former.as_deref());
    }
}

//! What is done to the pool from time to time, and by an operator.

use std::{num::NonZeroUsize, panic::Location, time::Duration};

use tooloo_clock::Moment;

use super::{Effects, Leak, Pooled, State, Unlent};
use crate::{
    error::Refusal,
    figures::{CloseReason, Standing},
};

/// What a look at the pool has found to do, beside its effects.
#[derive(Debug)]
pub(crate) struct Found<C> {
    pub(crate) check: Vec<Box<Pooled<C>>>,
    pub(crate) leaks: Vec<Leak>,
}

impl<C> State<C> {
    /// Looks after the idle connections and the leases.
    pub(crate) fn tend(&mut self, now: Moment, effects: &mut Effects<C>) -> Found<C> {
        let least = self.least();
        let mut check = Vec::new();
        for pooled in std::mem::take(&mut self.idle) {
            let times = &self.config.times;
            let unused = now.saturating_duration_since(pooled.used);
            let unheard = now.saturating_duration_since(pooled.good);
            if let Some(reason) = self.retirement(&pooled, now) {
                self.bury(*pooled, reason, now, effects);
            } else if self.slots.len() > least && times.idle.is_some_and(|idle| unused >= idle) {
                self.bury(*pooled, CloseReason::Idle, now, effects);
            } else if unheard >= times.check_every && check.len() < self.config.max_connecting.get()
            {
                self.set(pooled.slot, Unlent::Mending);
                check.push(pooled);
            } else {
                self.idle.push(pooled);
            }
        }
        effects.connect += self.demand();
        let leaks = self
            .config
            .times
            .leak
            .map(|after| self.slots.report(after, now));
        let leaks = leaks.unwrap_or_default();
        self.tally.leaks += leaks.len() as u64;
        Found { check, leaks }
    }

    /// Takes note that nobody looks after the pool any more, so that the next borrower sees to it.
    pub(crate) fn stop_tending(&mut self) {
        self.tended = false;
    }

    /// Changes how many connections there are to be; those beyond go as soon as nobody uses them.
    pub(crate) fn resize(
        &mut self,
        min: usize,
        max: NonZeroUsize,
        now: Moment,
        effects: &mut Effects<C>,
    ) {
        (self.config.min, self.config.max) = (min, max);
        // The ones that were unused for longest go.
        let over = self
            .slots
            .len()
            .saturating_sub(max.get())
            .min(self.idle.len());
        let over: Vec<_> = self.idle.drain(..over).collect();
        for pooled in over {
            self.bury(*pooled, CloseReason::Shrunk, now, effects);
        }
        self.settle(now, effects);
        effects.connect += self.demand();
    }

    /// Condemns all connections that are there: the idle ones now, the others when they come back.
    pub(crate) fn invalidate(&mut self, now: Moment, effects: &mut Effects<C>) {
        self.health.bump();
        self.bury_idle(CloseReason::Stale, now, effects);
    }

    /// Takes note that nobody watches deadlines any more.
    pub(crate) fn stop_watching(&mut self) {
        self.watched = false;
    }

    /// Lends no more, and turns away all who wait.
    pub(crate) fn close(&mut self, now: Moment, effects: &mut Effects<C>) {
        self.closed = true;
        self.turn_away(effects);
        self.bury_idle(CloseReason::Drained, now, effects);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Returns whether nothing is left of the pool but what its queue remembers.
    pub(crate) fn is_drained(&self) -> bool {
        self.closed && self.slots.len() + self.connecting + self.closing == 0
    }

    /// Begins to make what is missing to the least number of connections; returns whether nothing is.
    pub(crate) fn warm_up(&mut self, effects: &mut Effects<C>) -> Result<bool, Refusal> {
        if self.closed {
            return Err(Refusal::Closed);
        }
        effects.upkeep = !std::mem::replace(&mut self.tended, true);
        effects.connect += self.demand();
        Ok(self.slots.len() >= self.least())
    }

    pub(crate) fn leaks(&self, after: Duration, now: Moment) -> Vec<Leak> {
        self.slots.leaks(after, now)
    }

    /// Returns where the leases that are out were taken.
    pub(crate) fn places(&self, now: Moment) -> Vec<&'static Location<'static>> {
        let leases = self.slots.leaks(Duration::ZERO, now);
        leases.into_iter().map(|lease| lease.place).collect()
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing {
            size: self.slots.len(),
            idle: self.idle.len(),
            in_use: self.slots.leased(),
            mending: self.slots.mending(),
            waiting: self.queue.len(),
            connecting: self.connecting,
            closing: self.closing,
            min: self.least(),
            max: self.config.max.get(),
            tally: self.tally,
        }
    }
}

//! The line of those who wait: getting in, being served or refused, leaving.

use std::{mem, panic::Location, task::Waker};

use tooloo_clock::Moment;

use super::{Back, Claim, Effects, Pooled, State};
use crate::{
    config::Nested,
    error::{PoolError, Refusal},
};

/// Where the caller's own task took a connection that it still holds.
pub(crate) type Nesting = Option<&'static Location<'static>>;

/// A connection on its way to a borrower.
#[derive(Debug)]
pub(crate) struct Given<C> {
    pub(crate) pooled: Box<Pooled<C>>,
    /// Whether nobody has heard of its other end for a while.
    pub(crate) check: bool,
}

/// One who waits, or who has been served and does not know it yet.
///
/// Whoever leaves takes along what is to be dropped.
#[derive(Debug)]
pub(crate) struct Waiting<C> {
    pub(super) claim: Claim,
    pub(super) waker: Option<Waker>,
    deadline: Moment,
    pub(super) outcome: Option<Result<Box<Pooled<C>>, Refusal>>,
}

/// How somebody gets in line.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) claim: Claim,
    /// Whether the caller's turn has come before.
    pub(crate) at_head: bool,
    /// When the caller asked.
    pub(crate) since: Moment,
    pub(crate) deadline: Moment,
}

impl<C> State<C> {
    /// Gets in line, at its head where the caller's turn has come before; returns the ticket, and where the
    /// caller's task took a connection that it still holds, if it has to wait.
    ///
    /// The waker is taken, unless there is an error: it is not to be dropped under the lock.
    pub(crate) fn enqueue(
        &mut self,
        entry: &Entry,
        waker: &mut Option<Waker>,
        now: Moment,
        effects: &mut Effects<C>,
    ) -> Result<(usize, Nesting), PoolError> {
        let Entry {
            claim,
            at_head,
            deadline,
            ..
        } = entry;
        self.admit(claim, *at_head).map_err(PoolError::new)?;
        let idle = !self.idle.is_empty();
        // Where there is room, another connection is on its way.
        let full = !idle && self.slots.len() >= self.config.max.get();
        let held_at = claim.task.filter(|_| full);
        let held_at = held_at.and_then(|task| self.slots.held_by(task));
        if held_at.is_some() {
            self.tally.nested += 1;
            if self.config.nested == Nested::Refuse {
                return Err(PoolError::new(Refusal::Nested).with_held_at(held_at));
            }
        }
        self.tenants.wait(claim.tenant.as_deref());
        let ticket = if *at_head {
            self.queue.push_front()
        } else {
            self.queue.push_back()
        };
        let waiting = self.queue.get_mut(ticket);
        waiting.claim.place = claim.place;
        waiting.claim.tenant.clone_from(&claim.tenant);
        waiting.claim.task = claim.task;
        waiting.waker = waker.take();
        waiting.deadline = *deadline;
        effects.watch = !mem::replace(&mut self.watched, true);
        effects.upkeep = !mem::replace(&mut self.tended, true);
        if idle {
            // One came back since the caller looked.
            self.settle(now, effects);
        }
        effects.connect += self.demand();
        Ok((ticket, held_at))
    }

    /// Returns what has come of waiting `since` then; a wait that is over is counted.
    #[inline]
    pub(crate) fn outcome(
        &mut self,
        ticket: usize,
        since: Moment,
        now: Moment,
    ) -> Option<Result<Given<C>, Refusal>> {
        let outcome = self.queue.get_mut(ticket).outcome.take()?;
        self.queue.remove(ticket);
        Some(outcome.map(|pooled| self.given(pooled, since, now)))
    }

    /// Returns what has come of waiting, or else exchanges the waker: the former one is not to be dropped
    /// under the lock.
    pub(crate) fn poll(
        &mut self,
        ticket: usize,
        since: Moment,
        waker: Waker,
        now: Moment,
    ) -> Result<Result<Given<C>, Refusal>, Option<Waker>> {
        match self.outcome(ticket, since, now) {
            Some(outcome) => Ok(outcome),
            None => Err(self.queue.get_mut(ticket).waker.replace(waker)),
        }
    }

    /// Refuses those whose deadline has passed; returns the next deadline, or `None` where nobody waits and
    /// nobody needs to watch any more.
    pub(crate) fn expire(&mut self, now: Moment, effects: &mut Effects<C>) -> Option<Moment> {
        let late =
            |(ticket, waiting): (usize, &Waiting<C>)| (waiting.deadline <= now).then_some(ticket);
        let late: Vec<_> = self.queue.in_line().filter_map(late).collect();
        for ticket in late {
            self.call(ticket, Err(Refusal::TimedOut), effects);
        }
        let next = self
            .queue
            .in_line()
            .map(|(_, waiting)| waiting.deadline)
            .min();
        self.watched = next.is_some();
        next
    }

    /// Leaves the line; a connection that was on its way goes to the next.
    pub(crate) fn leave(
        &mut self,
        ticket: usize,
        now: Moment,
        effects: &mut Effects<C>,
    ) -> Option<Waker> {
        let waiting = self.queue.get_mut(ticket);
        let tenant = waiting.claim.tenant.take();
        let (waker, outcome) = (waiting.waker.take(), waiting.outcome.take());
        self.queue.remove(ticket);
        match outcome {
            None => self.tenants.wait_no_more(tenant.as_deref()),
            Some(Ok(pooled)) => self.put(pooled, Back::Unused, now, effects),
            Some(Err(_)) => {}
        }
        waker
    }

    /// Refuses all who wait.
    pub(super) fn turn_away(&mut self, effects: &mut Effects<C>) {
        while let Some(ticket) = self.queue.first() {
            self.call(ticket, Err(Refusal::Closed), effects);
        }
    }

    /// Tells whether a connection has to be checked before its borrower has it; if not, the wait `since` then is over,
    /// and counted.
    #[inline]
    pub(super) fn given(&mut self, pooled: Box<Pooled<C>>, since: Moment, now: Moment) -> Given<C> {
        let check = self.needs_check(&pooled, now);
        if !check {
            self.waits.record(now.saturating_duration_since(since));
        }
        Given { pooled, check }
    }

    fn admit(&self, claim: &Claim, at_head: bool) -> Result<(), Refusal> {
        let max = self.config.max_waiting;
        if self.closed {
            Err(Refusal::Closed)
        } else if at_head {
            Ok(())
        } else if self.queue.len() >= max {
            Err(Refusal::QueueFull)
        } else if !self.tenants.may_wait(claim.tenant.as_deref(), max) {
            Err(Refusal::TenantQueueFull)
        } else {
            Ok(())
        }
    }
}

impl<C> Default for Waiting<C> {
    fn default() -> Self {
        Self {
            claim: Claim::none(),
            waker: None,
            deadline: Moment::from_nanos(0),
            outcome: None,
        }
    }
}

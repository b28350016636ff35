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
        self.tenants.wait(claim.tenant.as_ref());
        let waiting = Waiting {
            claim: claim.clone(),
            waker: waker.take(),
            deadline: *deadline,
            outcome: None,
        };
        let ticket = if *at_head {
            self.queue.push_front(waiting)
        } else {
            self.queue.push_back(waiting)
        };
        effects.watch = !mem::replace(&mut self.watched, true);
        effects.upkeep = !mem::replace(&mut self.tended, true);
        if idle {
            // One came back since the caller looked.
            self.settle(now, effects);
        }
        effects.connect += self.demand();
        Ok((ticket, held_at))
    }

    /// Returns what has come of waiting.
    #[inline]
    pub(crate) fn outcome(
        &mut self,
        ticket: usize,
        now: Moment,
    ) -> Option<Result<Given<C>, Refusal>> {
        self.queue.get_mut(ticket).outcome.as_ref()?;
        let outcome = self.queue.remove(ticket).outcome;
        outcome.map(|outcome| outcome.map(|pooled| self.given(pooled, now)))
    }

    /// Returns what has come of waiting, or else exchanges the waker: the former one is not to be dropped
    /// under the lock.
    pub(crate) fn poll(
        &mut self,
        ticket: usize,
        waker: Waker,
        now: Moment,
    ) -> Result<Result<Given<C>, Refusal>, Option<Waker>> {
        match self.outcome(ticket, now) {
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
        let waiting = self.queue.remove(ticket);
        match waiting.outcome {
            None => self.tenants.wait_no_more(waiting.claim.tenant.as_ref()),
            Some(Ok(pooled)) => self.put(pooled, Back::Unused, now, effects),
            Some(Err(_)) => {}
        }
        waiting.waker
    }

    /// Refuses all who wait.
    pub(super) fn turn_away(&mut self, effects: &mut Effects<C>) {
        while let Some(ticket) = self.queue.first() {
            self.call(ticket, Err(Refusal::Closed), effects);
        }
    }

    /// Tells whether a connection has to be checked before its borrower has it.
    #[inline]
    pub(super) fn given(&self, pooled: Box<Pooled<C>>, now: Moment) -> Given<C> {
        let check = self.needs_check(&pooled, now);
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
        } else if !self.tenants.may_wait(claim.tenant.as_ref(), max) {
            Err(Refusal::TenantQueueFull)
        } else {
            Ok(())
        }
    }
}

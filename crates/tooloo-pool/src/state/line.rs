//! The line of those who wait: getting in, being served or refused, leaving.

use std::panic::Location;

use tooloo_clock::Moment;

use super::{Back, Claim, Effects, Pooled, State};
use crate::{
    config::Nested,
    error::{PoolError, Refusal},
    handoff::{Handoff, Outcome},
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

/// One who waits.
#[derive(Debug)]
pub(crate) struct Waiting<C> {
    pub(super) claim: Claim,
    pub(super) handoff: Handoff<C>,
    deadline: Moment,
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
    pub(crate) fn enqueue(
        &mut self,
        entry: &Entry,
        handoff: &Handoff<C>,
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
        let waiting = Waiting {
            claim: claim.clone(),
            handoff: handoff.clone(),
            deadline: *deadline,
        };
        let ticket = if *at_head {
            self.queue.push_front(waiting)
        } else {
            self.queue.push_back(waiting)
        };
        effects.watch = begins(&mut self.watched);
        effects.upkeep = begins(&mut self.tended);
        if idle {
            // One came back since the caller looked.
            self.settle(now, effects);
        }
        effects.connect += self.demand();
        Ok((ticket, held_at))
    }

    /// Refuses those whose deadline has passed; returns the next deadline, or `None` where nobody waits and
    /// nobody needs to watch any more.
    pub(crate) fn expire(&mut self, now: Moment, effects: &mut Effects<C>) -> Option<Moment> {
        let late =
            |(ticket, waiting): (usize, &Waiting<C>)| (waiting.deadline <= now).then_some(ticket);
        let late: Vec<_> = self.queue.in_line().filter_map(late).collect();
        for ticket in late {
            self.call(ticket, Refusal::TimedOut, effects);
        }
        let next = self
            .queue
            .in_line()
            .map(|(_, waiting)| waiting.deadline)
            .min();
        self.watched = next.is_some();
        next
    }

    /// Leaves the line, where `outcome` has not come yet; a connection that was on its way goes to the next.
    pub(crate) fn leave(
        &mut self,
        ticket: usize,
        outcome: Option<Outcome<C>>,
        now: Moment,
        effects: &mut Effects<C>,
    ) {
        match outcome {
            None => {
                let waiting = self.queue.remove(ticket);
                self.tenants.wait_no_more(waiting.claim.tenant.as_deref());
            }
            Some(Ok(given)) => self.put(given.pooled, Back::Unused, now, effects),
            Some(Err(_)) => {}
        }
    }

    /// Refuses all who wait.
    pub(super) fn turn_away(&mut self, effects: &mut Effects<C>) {
        while let Some(ticket) = self.queue.first() {
            self.call(ticket, Refusal::Closed, effects);
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
        } else if !self.tenants.may_wait(claim.tenant.as_deref(), max) {
            Err(Refusal::TenantQueueFull)
        } else {
            Ok(())
        }
    }
}

/// Returns whether something begins that mostly goes on: then nothing is written.
#[inline]
pub(super) fn begins(goes_on: &mut bool) -> bool {
    let begins = !*goes_on;
    if begins {
        *goes_on = true;
    }
    begins
}

//! How a connection gets to the first in line.

use std::task::Waker;

use tooloo_clock::Moment;

use super::{Claim, Effects, Pooled, State, line::Waiting};
use crate::{error::Refusal, handoff::Outcome};

impl<C> State<C> {
    /// Serves those who wait from the idle connections, as far as both go.
    #[inline]
    pub(super) fn settle(&mut self, now: Moment, effects: &mut Effects<C>) {
        while !self.idle.is_empty()
            && let Some(ticket) = self.next_waiting()
            && let Some(pooled) = self.next_idle(now, effects)
        {
            self.hand_over(ticket, pooled, now, effects);
        }
    }

    /// Returns the first in line that its tenant's share lets go on.
    #[inline]
    pub(super) fn next_waiting(&self) -> Option<usize> {
        if self.queue.len() == 0 {
            return None;
        }
        let max = self.config.max.get();
        let admitted = |waiting: &Waiting<C>| {
            let tenant = waiting.claim.tenant.as_deref();
            !self.tenants.are_limited() || self.tenants.may_lease(tenant, max)
        };
        let mut line = self.queue.in_line();
        line.find(|(_, waiting)| admitted(waiting))
            .map(|(ticket, _)| ticket)
    }

    pub(super) fn hand_over(
        &mut self,
        ticket: usize,
        pooled: Box<Pooled<C>>,
        now: Moment,
        effects: &mut Effects<C>,
    ) {
        if let Some(waker) = self.hand_over_at_once(ticket, pooled, now) {
            effects.wake(waker);
        }
    }

    /// Gives a connection to somebody in line, who is to be woken.
    #[inline]
    pub(super) fn hand_over_at_once(
        &mut self,
        ticket: usize,
        pooled: Box<Pooled<C>>,
        now: Moment,
    ) -> Option<Waker> {
        let slot = pooled.slot;
        let given = self.given(pooled, now);
        let (claim, waker) = self.call_out(ticket, Ok(given));
        self.lease(slot, claim, now);
        waker
    }

    pub(super) fn call(&mut self, ticket: usize, refusal: Refusal, effects: &mut Effects<C>) {
        if let (_, Some(waker)) = self.call_out(ticket, Err(refusal)) {
            effects.wake(waker);
        }
    }

    /// Calls somebody out of the line, who is to be woken; returns the claim, which is settled.
    #[inline]
    fn call_out(&mut self, ticket: usize, outcome: Outcome<C>) -> (Claim, Option<Waker>) {
        let waiting = self.queue.remove(ticket);
        self.tenants.wait_no_more(waiting.claim.tenant.as_deref());
        (waiting.claim, waiting.handoff.deliver(outcome))
    }
}

//! The permission to make one call.

use std::{mem, ops::Deref, sync::Arc};

use tooloo_clock::Moment;

use crate::{
    Outcome,
    breaker::Inner,
    figures::End,
    gate::{Ended, Ticket},
    state::Mark,
};

/// The permission to make one call, and the duty to say what became of it.
///
/// Dropped without [`record`](Self::record), the call counts neither as a success nor as a failure; its
/// place, where it was a probe, is free again.
#[must_use = "a permit that is dropped is given back"]
#[derive(Debug)]
pub struct Permit(Guard<Arc<Inner>>);

/// A permit that owns its breaker or borrows it.
#[derive(Debug)]
pub(crate) struct Guard<B: Deref<Target = Inner>> {
    breaker: B,
    // Ended once its result is recorded.
    ticket: Ticket,
    // Zero where calls are not timed.
    start: Moment,
}

impl Permit {
    #[inline]
    pub(crate) fn new(breaker: Arc<Inner>, ticket: Ticket) -> Self {
        Self(Guard::new(breaker, ticket))
    }

    /// Records what became of the call.
    ///
    /// Where the breaker has changed its state since the call began, the figures count it and nothing else
    /// does: it tells of another time.
    #[inline]
    pub fn record(mut self, outcome: Outcome) {
        self.0.record(outcome);
    }

    /// Records what became of the call, without moving the permit; nothing where that was done before.
    #[inline]
    pub(crate) fn record_in_place(&mut self, outcome: Outcome) {
        self.0.record(outcome);
    }
}

impl<B: Deref<Target = Inner>> Guard<B> {
    #[inline]
    pub(crate) fn new(breaker: B, ticket: Ticket) -> Self {
        let start = match breaker.gate.config().slow_calls {
            Some(_) => read_clock(),
            None => Moment::from_nanos(0),
        };
        Self {
            breaker,
            ticket,
            start,
        }
    }

    #[inline]
    pub(crate) fn record(&mut self, outcome: Outcome) {
        let ticket = mem::replace(&mut self.ticket, Ticket::ENDED);
        if ticket != Ticket::ENDED {
            self.breaker.end(ticket, self.start, outcome);
        }
    }
}

impl<B: Deref<Target = Inner>> Drop for Guard<B> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket != Ticket::ENDED {
            self.breaker.give_back(self.ticket, End::Cancelled);
        }
    }
}

impl Inner {
    /// Takes the result of a call that began at `start`.
    #[inline]
    fn end(&self, ticket: Ticket, start: Moment, outcome: Outcome) {
        let timed = self.gate.config().slow_calls.is_some();
        let slow = timed && self.is_slow(start);
        if outcome == Outcome::Success && !slow && self.gate.is_all_good(ticket) {
            self.figures.succeed();
        } else {
            self.settle(ticket, outcome, slow);
        }
    }

    #[inline(never)]
    fn settle(&self, ticket: Ticket, outcome: Outcome, slow: bool) {
        let (end, throttled, retry_after) = match outcome {
            Outcome::Success => (End::Succeeded, false, None),
            Outcome::Failure { retry_after } => (End::Failed, false, retry_after),
            Outcome::Throttled { retry_after } => (End::Failed, true, retry_after),
            Outcome::Ignored => return self.give_back(ticket, End::Ignored),
        };
        self.figures.end(end, slow);
        let failed = end == End::Failed;
        let ended = Ended {
            mark: Mark { failed, slow },
            throttled,
            asked: retry_after.map(|time| Moment::exact() + time),
        };
        let now = clock(ended.mark);
        self.publish(self.gate.settle(ticket, Some(ended), now));
    }

    #[cold]
    fn give_back(&self, ticket: Ticket, end: End) {
        self.figures.end(end, false);
        self.publish(self.gate.settle(ticket, None, Moment::exact));
    }

    #[inline(never)]
    fn is_slow(&self, start: Moment) -> bool {
        let now = tooloo_clock::coarse();
        let slow = self.gate.config().slow_calls;
        slow.is_some_and(|slow| now.saturating_duration_since(start) > slow.longer_than)
    }
}

/// Reads the clock, out of the way of the many calls that are not timed.
#[inline(never)]
fn read_clock() -> Moment {
    tooloo_clock::coarse()
}

/// Returns the clock that a result is counted by: what may open the breaker deserves an exact one.
fn clock(mark: Mark) -> fn() -> Moment {
    if mark.is_bad() {
        Moment::exact
    } else {
        tooloo_clock::coarse
    }
}

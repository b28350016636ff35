//! The permission to make one call.

use std::sync::Arc;

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
pub struct Permit {
    breaker: Arc<Inner>,
    ticket: Ticket,
    // Zero where calls are not timed.
    start: Moment,
    ended: bool,
}

impl Permit {
    #[inline]
    pub(crate) fn new(breaker: Arc<Inner>, ticket: Ticket) -> Self {
        let start = match breaker.gate.config().slow_calls {
            Some(_) => tooloo_clock::coarse(),
            None => Moment::from_nanos(0),
        };
        Self {
            breaker,
            ticket,
            start,
            ended: false,
        }
    }

    /// Records what became of the call.
    ///
    /// Where the breaker has changed its state since the call began, the figures count it and nothing else
    /// does: it tells of another time.
    #[inline]
    pub fn record(mut self, outcome: Outcome) {
        self.ended = true;
        let (end, throttled, retry_after) = match outcome {
            Outcome::Success => (End::Succeeded, false, None),
            Outcome::Failure { retry_after } => (End::Failed, false, retry_after),
            Outcome::Throttled { retry_after } => (End::Failed, true, retry_after),
            Outcome::Ignored => return self.give_back(End::Ignored),
        };
        let mark = Mark {
            failed: end == End::Failed,
            slow: self.is_slow(),
        };
        self.breaker.figures.end(end, mark.slow);
        let ended = Ended {
            mark,
            throttled,
            asked: retry_after.map(|time| Moment::exact() + time),
        };
        let change = (self.breaker.gate).settle(self.ticket, Some(ended), now(mark));
        self.breaker.publish(change);
    }

    fn give_back(&self, end: End) {
        self.breaker.figures.end(end, false);
        let change = (self.breaker.gate).settle(self.ticket, None, Moment::exact);
        self.breaker.publish(change);
    }

    #[inline]
    fn is_slow(&self) -> bool {
        let Some(slow) = self.breaker.gate.config().slow_calls else {
            return false;
        };
        tooloo_clock::coarse().saturating_duration_since(self.start) > slow.longer_than
    }
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        if !self.ended {
            self.give_back(End::Cancelled);
        }
    }
}

/// Returns the clock that a result is counted by: what may open the breaker deserves an exact one.
#[inline]
fn now(mark: Mark) -> fn() -> Moment {
    if mark.is_bad() {
        Moment::exact
    } else {
        tooloo_clock::coarse
    }
}

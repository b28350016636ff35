//! Takes the results of calls.

use tooloo_clock::Moment;

use super::{Change, Gate, Passed, Ticket};
use crate::{
    state::{Event, Mark},
    sync::Ordering,
};

/// The result of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) mark: Mark,
    /// Whether a failure leaves the run of failures as it is.
    pub(crate) throttled: bool,
    /// Until when the callee asks to be left alone.
    pub(crate) asked: Option<Moment>,
}

impl Gate {
    /// Returns whether a good result of the call with this ticket would change nothing.
    ///
    /// It is so as long as all goes well, and then takes a few looks and not one write.
    #[inline]
    pub(crate) fn is_all_good(&self, ticket: Ticket) -> bool {
        match ticket.passed() {
            Passed::Closed(generation) => {
                ticket.is_of(self.word())
                    && self.recent.is_all_good(generation)
                    && self.run.length() == 0
            }
            _ => false,
        }
    }

    /// Takes the result of the call with this ticket; of one that was dropped or ignored there is none.
    pub(crate) fn settle(
        &self,
        ticket: Ticket,
        ended: Option<Ended>,
        now: impl Fn() -> Moment,
    ) -> Option<Change> {
        match (ticket.passed(), ended) {
            (Passed::Closed(generation), Some(ended)) if ticket.is_of(self.word()) => {
                self.count(generation, ended, now)
            }
            (Passed::AsProbe(ticket), ended) => {
                let mut held = self.lock();
                if held.state.holds(ticket) {
                    self.note_asked(ended.and_then(|ended| ended.asked));
                }
                let mark = ended.map(|ended| ended.mark);
                self.turn(&mut held, Event::End { ticket, mark }, now())
            }
            _ => None,
        }
    }

    fn count(&self, generation: u64, ended: Ended, now: impl Fn() -> Moment) -> Option<Change> {
        let Ended { mark, .. } = ended;
        if !self.recent.record(generation, mark, &now) {
            return None;
        }
        if !mark.failed {
            self.run.end(generation);
        }
        // A good call opens nothing, so it need not look.
        if mark.is_bad() {
            self.judge(generation, ended, now())
        } else {
            None
        }
    }

    #[cold]
    fn judge(&self, generation: u64, ended: Ended, now: Moment) -> Option<Change> {
        self.note_asked(ended.asked);
        let run = if ended.mark.failed && !ended.throttled {
            self.run.lengthen(generation)
        } else {
            0
        };
        let cause = self.recent.reason_to_open(run, now, &self.config)?;
        let mut held = self.lock();
        // Another call may have opened it already, and more may have happened since.
        if held.generation != generation {
            return None;
        }
        self.turn(&mut held, Event::Trip(cause), now)
    }

    fn note_asked(&self, asked: Option<Moment>) {
        if let Some(asked) = asked {
            self.asked.fetch_max(asked.as_nanos(), Ordering::AcqRel);
        }
    }
}

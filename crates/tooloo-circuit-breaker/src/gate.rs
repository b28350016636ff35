//! Lets calls through a breaker and takes their results, from many threads at once.
//!
//! One atomic word tells what most calls need to know: that they may pass and in which generation, or
//! until when they are refused. Only what may change the state takes the lock around it.

mod word;

use std::{mem, sync::PoisonError};

use crossbeam_utils::CachePadded;
use tooloo_clock::Moment;

use self::word::{View, Word};
use crate::{
    Cause, CircuitBreakerConfig, Control, Status,
    recent::{Recent, Run, Tally},
    state::{At, Event, Mark, State},
    sync::{AtomicU64, Mutex, Ordering},
};

/// A breaker without its clock, figures and followers.
#[derive(Debug)]
pub(crate) struct Gate {
    word: CachePadded<AtomicU64>,
    recent: Recent,
    run: Run,
    // Until when the callee asked to be left alone, in nanoseconds.
    asked: AtomicU64,
    held: Mutex<Held>,
    config: CircuitBreakerConfig,
}

#[derive(Debug)]
struct Held {
    state: State,
    generation: u64,
    changes: u64,
    tickets: u64,
    random: fastrand::Rng,
}

/// What a call that passed brings back with its result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ticket {
    /// It passed a closed breaker in this generation.
    Closed(u64),
    /// It is a probe.
    Probe(u64),
    /// It passed a disabled breaker.
    Disabled,
}

/// Why a call did not pass: the state, and until when that lasts at least.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: Status,
    pub(crate) until: Moment,
}

/// The result of a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) mark: Mark,
    /// Whether a failure leaves the run of failures as it is.
    pub(crate) throttled: bool,
    /// Until when the callee asks to be left alone.
    pub(crate) asked: Option<Moment>,
}

/// A change from one state to another.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Change {
    pub(crate) number: u64,
    pub(crate) from: Status,
    pub(crate) to: Status,
    pub(crate) cause: Cause,
}

impl Gate {
    pub(crate) fn new(config: CircuitBreakerConfig) -> Self {
        let seed = config.seed.unwrap_or_else(|| fastrand::u64(..));
        Self {
            word: CachePadded::new(AtomicU64::new(Word::closed(0).into())),
            recent: Recent::new(&config),
            run: Run::new(),
            asked: AtomicU64::new(0),
            held: Mutex::new(Held {
                state: State::Closed,
                generation: 0,
                changes: 0,
                tickets: 0,
                random: fastrand::Rng::with_seed(seed),
            }),
            config,
        }
    }

    pub(crate) fn config(&self) -> &CircuitBreakerConfig {
        &self.config
    }

    /// Decides about a call where one look suffices; `None` where [`ask`](Self::ask) must.
    ///
    /// `now` is only read where calls are refused.
    #[inline]
    pub(crate) fn glance(&self, now: impl FnOnce() -> Moment) -> Option<Result<Ticket, Refusal>> {
        match self.word().view() {
            View::Refusing(refusal) if now() >= refusal.until => None,
            view => Some(view.into()),
        }
    }

    /// Decides about a call, which may be the one that makes an open breaker half-open.
    #[cold]
    pub(crate) fn ask(&self, now: Moment) -> (Result<Ticket, Refusal>, Option<Change>) {
        // Most of those that come here shortly before the time need no lock either.
        if let Some(decided) = self.glance(|| now) {
            return (decided, None);
        }
        let mut held = self.lock();
        held.tickets += 1;
        let ticket = held.tickets;
        let change = self.turn(&mut held, Event::Ask(ticket), now);
        let decided = if held.state.holds(ticket) {
            Ok(Ticket::Probe(ticket))
        } else {
            self.word().view().into()
        };
        (decided, change)
    }

    /// Takes the result of the call with this ticket; of one that was dropped or ignored there is none.
    #[inline]
    pub(crate) fn settle(
        &self,
        ticket: Ticket,
        ended: Option<Ended>,
        now: impl Fn() -> Moment,
    ) -> Option<Change> {
        match (ticket, ended) {
            (Ticket::Closed(generation), Some(ended)) => self.count(generation, ended, now),
            (Ticket::Closed(_), None) | (Ticket::Disabled, _) => None,
            (Ticket::Probe(ticket), ended) => {
                let mut held = self.lock();
                let mark = ended.map(|ended| ended.mark);
                if held.state.holds(ticket) {
                    self.note_asked(ended.and_then(|ended| ended.asked));
                }
                self.turn(&mut held, Event::End { ticket, mark }, now())
            }
        }
    }

    pub(crate) fn set(&self, control: Control, now: Moment) -> Option<Change> {
        self.turn(&mut self.lock(), Event::Set(control), now)
    }

    pub(crate) fn status(&self) -> Status {
        match self.word().view() {
            View::Closed(_) => Status::Closed,
            View::Disabled => Status::Disabled,
            View::Refusing(refusal) => refusal.status,
        }
    }

    /// Returns until when an open breaker refuses every call.
    pub(crate) fn open_until(&self) -> Option<Moment> {
        match self.word().view() {
            View::Refusing(refusal) if refusal.status == Status::Open => Some(refusal.until),
            _ => None,
        }
    }

    pub(crate) fn probes_under_way(&self) -> usize {
        match &self.lock().state {
            State::HalfOpen { probes, .. } => probes.under_way(),
            _ => 0,
        }
    }

    pub(crate) fn tally(&self, now: Moment) -> Tally {
        self.recent.tally(now)
    }

    pub(crate) fn consecutive_failures(&self) -> u32 {
        self.run.length()
    }

    #[inline]
    fn count(&self, generation: u64, ended: Ended, now: impl Fn() -> Moment) -> Option<Change> {
        let Ended { mark, .. } = ended;
        if self.word() != Word::closed(generation) || !self.recent.record(generation, mark, &now) {
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
        let cause = self.reason_to_open(run, self.recent.tally(now))?;
        let mut held = self.lock();
        // Another call may have opened it already, and more may have happened since.
        if held.generation != generation {
            return None;
        }
        self.turn(&mut held, Event::Trip(cause), now)
    }

    fn reason_to_open(&self, run: u32, tally: Tally) -> Option<Cause> {
        let config = &self.config;
        if config
            .consecutive_failures
            .is_some_and(|most| run >= most.get())
        {
            return Some(Cause::ConsecutiveFailures);
        }
        if tally.calls < config.minimum_calls.get().min(self.recent.capacity()) {
            return None;
        }
        if config
            .failure_rate
            .is_some_and(|rate| rate.is_reached(tally.failed, tally.calls))
        {
            return Some(Cause::FailureRate);
        }
        let slow = config.slow_calls?;
        slow.rate
            .is_reached(tally.slow, tally.calls)
            .then_some(Cause::SlowCallRate)
    }

    fn note_asked(&self, asked: Option<Moment>) {
        if let Some(asked) = asked {
            self.asked.fetch_max(asked.as_nanos(), Ordering::AcqRel);
        }
    }

    /// Moves the state on, and makes known where it is now.
    fn turn(&self, held: &mut Held, event: Event, now: Moment) -> Option<Change> {
        let at = At {
            now,
            roll: held.random.f64(),
            asked: Moment::from_nanos(self.asked.load(Ordering::Acquire)),
            config: &self.config,
        };
        let from = held.state.status();
        let (state, cause) = mem::replace(&mut held.state, State::Disabled).on(event, &at);
        let to = state.status();
        held.state = state;
        if cause.is_some() {
            held.generation += 1;
            if to == Status::Closed {
                self.recent.begin(held.generation);
                self.run.begin(held.generation);
                self.asked.store(0, Ordering::Release);
            }
        }
        let word = Word::of(&held.state, held.generation, &self.config);
        self.word.store(word.into(), Ordering::Release);
        let cause = cause.filter(|_| from != to)?;
        held.changes += 1;
        let number = held.changes;
        Some(Change {
            number,
            from,
            to,
            cause,
        })
    }

    #[inline]
    fn word(&self) -> Word {
        self.word.load(Ordering::Acquire).into()
    }

    fn lock(&self) -> impl std::ops::DerefMut<Target = Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

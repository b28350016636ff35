//! Lets calls through a breaker and takes their results, from many threads at once.
//!
//! One atomic word tells what most calls need to know: that they may pass and in which generation, or
//! until when they are refused. Only what may change the state takes the lock around it.

mod results;
mod word;

use std::{mem, sync::PoisonError};

use crossbeam_utils::CachePadded;
use tooloo_clock::Moment;

pub(crate) use self::{
    results::Ended,
    word::{Passed, Ticket, Word},
};
use crate::{
    Cause, CircuitBreakerConfig, Control, Status,
    recent::{Recent, Run, Tally},
    state::{At, Event, State},
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
            word: CachePadded::new(AtomicU64::new(Word::of(&State::Closed, 0, &config).into())),
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

    /// Lets a call through or refuses it, where one look suffices; `None` where [`ask`](Self::ask) must.
    ///
    /// `now` is only read where calls are refused. The refusal is the word that said so.
    #[inline]
    pub(crate) fn glance(&self, now: impl FnOnce() -> Moment) -> Option<Result<Ticket, Word>> {
        let word = self.word();
        match word.ticket() {
            Some(ticket) => Some(Ok(ticket)),
            None => (now() < word.until()).then_some(Err(word)),
        }
    }

    /// Decides about a call, which may be the one that makes an open breaker half-open.
    #[cold]
    pub(crate) fn ask(&self, now: Moment) -> (Result<Ticket, Word>, Option<Change>) {
        // Most of those that come here shortly before the time need no lock either.
        if let Some(decided) = self.glance(|| now) {
            return (decided, None);
        }
        let mut held = self.lock();
        held.tickets += 1;
        let number = held.tickets;
        let change = self.turn(&mut held, Event::Ask(number), now);
        let word = self.word();
        let decided = if held.state.holds(number) {
            Ok(Ticket::probe(number))
        } else {
            // Another state than half-open let it in while it waited for the lock, or none did.
            word.ticket().ok_or(word)
        };
        (decided, change)
    }

    pub(crate) fn set(&self, control: Control, now: Moment) -> Option<Change> {
        self.turn(&mut self.lock(), Event::Set(control), now)
    }

    /// Returns the state as it was a moment ago.
    #[inline]
    pub(crate) fn word(&self) -> Word {
        self.word.load(Ordering::Acquire).into()
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

    fn lock(&self) -> impl std::ops::DerefMut<Target = Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;

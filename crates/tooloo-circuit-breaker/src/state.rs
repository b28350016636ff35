//! A breaker's states and the one function that moves between them; the time is passed in.
//!
//! Results of calls through a closed breaker are not here: they are many, and
//! [`recent`](crate::recent) counts them without a lock. Only what they add up to is an event.

mod probes;

use tooloo_clock::Moment;

use self::probes::{Probes, Verdict};
use crate::{Cause, CircuitBreakerConfig, Control, Status};

/// What a breaker is doing.
#[derive(Debug)]
pub(crate) enum State {
    Closed,
    Open { until: Moment, spell: Spell },
    HalfOpen { probes: Probes, spell: Spell },
    ForcedOpen,
    Disabled,
}

/// The time from leaving closed to coming back to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spell {
    /// How often the probes have failed in it.
    failed_probings: u32,
}

/// What can happen to a breaker.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    /// The calls through a closed breaker went too badly.
    Trip(Cause),
    /// A call asks to pass, as the ticket of this number.
    Ask(u64),
    /// A probe ended; of one that was dropped or ignored there is no mark.
    End { ticket: u64, mark: Option<Mark> },
    /// Someone told it what to do.
    Set(Control),
}

/// What a call's result counts as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Mark {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
}

/// The circumstances of an event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At<'a> {
    pub(crate) now: Moment,
    /// Drawn from 0 to 1.
    pub(crate) roll: f64,
    /// Until when the callee asked to be left alone.
    pub(crate) asked: Moment,
    pub(crate) config: &'a CircuitBreakerConfig,
}

impl State {
    /// Returns the state after `event`, and the cause where that is another one or a fresh one.
    pub(crate) fn on(self, event: Event, at: &At<'_>) -> (Self, Option<Cause>) {
        match (self, event) {
            (Self::Closed, Event::Trip(cause)) => {
                let spell = Spell { failed_probings: 0 };
                (Self::open(spell, at), Some(cause))
            }
            (Self::Open { until, spell }, Event::Ask(ticket)) if until <= at.now => {
                let mut probes = Probes::default();
                probes.admit(ticket, at.now, at.config);
                (Self::HalfOpen { probes, spell }, Some(Cause::OpenTimeOver))
            }
            (Self::HalfOpen { mut probes, spell }, Event::Ask(ticket)) => {
                probes.admit(ticket, at.now, at.config);
                (Self::HalfOpen { probes, spell }, None)
            }
            (Self::HalfOpen { mut probes, spell }, Event::End { ticket, mark }) => {
                match probes.end(ticket, mark, at.config) {
                    Some(Verdict::Recovered) => (Self::Closed, Some(Cause::ProbesSucceeded)),
                    Some(Verdict::Failing) => {
                        let failed_probings = spell.failed_probings.saturating_add(1);
                        let spell = Spell { failed_probings };
                        (Self::open(spell, at), Some(Cause::ProbesFailed))
                    }
                    None => (Self::HalfOpen { probes, spell }, None),
                }
            }
            (state, Event::Set(control)) => state.set(control),
            (state, _) => (state, None),
        }
    }

    /// Returns the state's public name.
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Closed => Status::Closed,
            Self::Open { .. } => Status::Open,
            Self::HalfOpen { .. } => Status::HalfOpen,
            Self::ForcedOpen => Status::ForcedOpen,
            Self::Disabled => Status::Disabled,
        }
    }

    /// Returns whether the call of this ticket is a probe under way.
    pub(crate) fn holds(&self, ticket: u64) -> bool {
        matches!(self, Self::HalfOpen { probes, .. } if probes.holds(ticket))
    }

    fn set(self, control: Control) -> (Self, Option<Cause>) {
        let to = match (self, control) {
            (Self::ForcedOpen, Control::ForcedOpen) => return (Self::ForcedOpen, None),
            (Self::Disabled, Control::Disabled) => return (Self::Disabled, None),
            (_, Control::ForcedOpen) => Self::ForcedOpen,
            (_, Control::Disabled) => Self::Disabled,
            (_, Control::Closed) | (Self::ForcedOpen | Self::Disabled, Control::Auto) => {
                Self::Closed
            }
            (state, Control::Auto) => return (state, None),
        };
        (to, Some(Cause::ByHand))
    }

    fn open(spell: Spell, at: &At<'_>) -> Self {
        let CircuitBreakerConfig {
            open_for, backoff, ..
        } = *at.config;
        let until = if at.asked > at.now {
            at.asked.min(at.now + backoff.longest(open_for))
        } else {
            at.now + backoff.open_time(open_for, spell.failed_probings, at.roll)
        };
        Self::Open { until, spell }
    }
}

impl Mark {
    /// Every mark, each at the place of its [`index`](Self::index).
    pub(crate) const ALL: [Self; 4] = [
        Self::of_index(0),
        Self::of_index(1),
        Self::of_index(2),
        Self::of_index(3),
    ];

    /// Returns whether the call can be a reason to open.
    pub(crate) const fn is_bad(self) -> bool {
        self.failed || self.slow
    }

    /// Returns the mark as a number of two bits, 0 of a good one.
    pub(crate) const fn index(self) -> u8 {
        self.failed as u8 | (self.slow as u8) << 1
    }

    /// Returns the mark that these two bits are the [`index`](Self::index) of.
    pub(crate) const fn of_index(index: u8) -> Self {
        Self {
            failed: index & 1 != 0,
            slow: index & 2 != 0,
        }
    }
}

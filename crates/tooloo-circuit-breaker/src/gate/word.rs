//! All that most calls need to know of a breaker, and all that they bring back, in 64 bits each.

use tooloo_clock::Moment;

use crate::{CircuitBreakerConfig, Status, state::State};

/// A breaker: its state in the lower bits; above them the generation, or until when calls are refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Word(u64);

/// A call that passed: how in the lower bits, above them its generation or number.
///
/// Of a closed breaker it is the [`Word`] itself, so that one comparison tells whether that still stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Ticket(u64);

/// What a [`Ticket`] says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Passed {
    /// A closed breaker, in this generation.
    Closed(u64),
    /// A disabled breaker.
    Disabled,
    /// A half-open breaker, as the probe of this number.
    AsProbe(u64),
    /// None any more: its result has been taken.
    Ended,
}

const STATE_BITS: u32 = 3;
const STATE: u64 = (1 << STATE_BITS) - 1;
const CLOSED: u64 = 0;
const DISABLED: u64 = 1;
const OPEN: u64 = 2;
const HALF_OPEN: u64 = 3;
const FORCED_OPEN: u64 = 4;
const ENDED: u64 = 5;

/// The latest moment that fits, some 70 years after the machine was started.
const NEVER: Moment = Moment::from_nanos(u64::MAX >> STATE_BITS);

impl Word {
    pub(super) fn of(state: &State, generation: u64, config: &CircuitBreakerConfig) -> Self {
        match state {
            State::Closed => Self(generation << STATE_BITS | CLOSED),
            State::Disabled => Self(DISABLED),
            State::Open { until, .. } => Self::refusing(OPEN, *until),
            State::HalfOpen { probes, .. } => {
                let until = probes.full_until(config);
                Self::refusing(HALF_OPEN, until.unwrap_or(Moment::from_nanos(0)))
            }
            State::ForcedOpen => Self::refusing(FORCED_OPEN, NEVER),
        }
    }

    /// Returns a ticket to pass, where the breaker is closed or disabled.
    #[inline]
    pub(crate) const fn ticket(self) -> Option<Ticket> {
        match self.0 & STATE {
            CLOSED | DISABLED => Some(Ticket(self.0)),
            _ => None,
        }
    }

    /// Returns until when a breaker without a ticket for everyone refuses; from then on the state
    /// itself must be asked.
    #[inline]
    pub(super) const fn until(self) -> Moment {
        Moment::from_nanos(self.0 >> STATE_BITS)
    }

    /// Returns until when an open breaker refuses everyone.
    pub(crate) fn open_until(self) -> Option<Moment> {
        (self.0 & STATE == OPEN).then_some(self.until())
    }

    pub(crate) fn status(self) -> Status {
        match self.0 & STATE {
            CLOSED => Status::Closed,
            DISABLED => Status::Disabled,
            OPEN => Status::Open,
            HALF_OPEN => Status::HalfOpen,
            _ => Status::ForcedOpen,
        }
    }

    fn refusing(state: u64, until: Moment) -> Self {
        Self(until.min(NEVER).as_nanos() << STATE_BITS | state)
    }
}

impl Ticket {
    /// The ticket whose result has been taken.
    pub(crate) const ENDED: Self = Self(ENDED);

    pub(super) const fn probe(number: u64) -> Self {
        Self(number << STATE_BITS | HALF_OPEN)
    }

    #[inline]
    pub(crate) const fn passed(self) -> Passed {
        let above = self.0 >> STATE_BITS;
        match self.0 & STATE {
            CLOSED => Passed::Closed(above),
            DISABLED => Passed::Disabled,
            HALF_OPEN => Passed::AsProbe(above),
            _ => Passed::Ended,
        }
    }

    /// Returns whether the breaker is as it was when the call passed.
    #[inline]
    pub(super) const fn is_of(self, word: Word) -> bool {
        self.0 == word.0
    }
}

impl From<u64> for Word {
    #[inline]
    fn from(bits: u64) -> Self {
        Self(bits)
    }
}

impl From<Word> for u64 {
    fn from(word: Word) -> Self {
        word.0
    }
}

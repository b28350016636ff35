//! All that most calls need to know of a breaker, in 64 bits.

use tooloo_clock::Moment;

use super::{Refusal, Ticket};
use crate::{CircuitBreakerConfig, Status, state::State};

/// A state in the lower three bits; above them the generation, or until when calls are refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Word(u64);

/// What a [`Word`] says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum View {
    /// Calls pass and belong to this generation.
    Closed(u64),
    Disabled,
    /// Calls are refused until then; from then on the state itself must be asked.
    Refusing(Refusal),
}

const STATE_BITS: u32 = 3;
const CLOSED: u64 = 0;
const DISABLED: u64 = 1;
const OPEN: u64 = 2;
const HALF_OPEN: u64 = 3;
const FORCED_OPEN: u64 = 4;

/// The latest moment that fits, some 70 years after the machine was started.
const NEVER: Moment = Moment::from_nanos(u64::MAX >> STATE_BITS);

impl Word {
    pub(super) const fn closed(generation: u64) -> Self {
        Self(generation << STATE_BITS | CLOSED)
    }

    pub(super) fn of(state: &State, generation: u64, config: &CircuitBreakerConfig) -> Self {
        match state {
            State::Closed => Self::closed(generation),
            State::Disabled => Self(DISABLED),
            State::Open { until, .. } => Self::refusing(OPEN, *until),
            State::HalfOpen { probes, .. } => {
                let until = probes.full_until(config);
                Self::refusing(HALF_OPEN, until.unwrap_or(Moment::from_nanos(0)))
            }
            State::ForcedOpen => Self::refusing(FORCED_OPEN, NEVER),
        }
    }

    #[inline]
    pub(super) fn view(self) -> View {
        let above = self.0 >> STATE_BITS;
        let refusing = |status| {
            let until = Moment::from_nanos(above);
            View::Refusing(Refusal { status, until })
        };
        match self.0 & ((1 << STATE_BITS) - 1) {
            CLOSED => View::Closed(above),
            DISABLED => View::Disabled,
            OPEN => refusing(Status::Open),
            HALF_OPEN => refusing(Status::HalfOpen),
            _ => refusing(Status::ForcedOpen),
        }
    }

    fn refusing(state: u64, until: Moment) -> Self {
        Self(until.min(NEVER).as_nanos() << STATE_BITS | state)
    }
}

impl From<View> for Result<Ticket, Refusal> {
    #[inline]
    fn from(view: View) -> Self {
        match view {
            View::Closed(generation) => Ok(Ticket::Closed(generation)),
            View::Disabled => Ok(Ticket::Disabled),
            View::Refusing(refusal) => Err(refusal),
        }
    }
}

impl From<u64> for Word {
    fn from(bits: u64) -> Self {
        Self(bits)
    }
}

impl From<Word> for u64 {
    fn from(word: Word) -> Self {
        word.0
    }
}

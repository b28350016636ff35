//! What this crate refuses.

use std::{error, fmt, time::Duration};

use tooloo_clock::Moment;

use crate::{Status, gate::Word};

/// The breaker did not let the call through.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Refused(Word);

/// Why a call through a breaker failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CircuitBreakerError<E> {
    /// The breaker refused the call, which was not made.
    Refused(Refused),
    /// The call was made and failed with this error.
    Inner(E),
}

impl Refused {
    #[inline]
    pub(crate) fn new(word: Word) -> Self {
        Self(word)
    }

    /// Returns the state that the breaker was in: open, half-open with all its probes under way, or
    /// forced open.
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// Returns how long it is from now until the breaker lets calls through again, to see whether they
    /// succeed.
    ///
    /// `None` where nobody knows: a half-open breaker waits for its probes, one that was forced open
    /// for someone's hand.
    pub fn retry_after(&self) -> Option<Duration> {
        let until = self.0.open_until()?;
        Some(until.saturating_duration_since(Moment::exact()))
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("status", &self.status())
            .field("retry_after", &self.retry_after())
            .finish()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the circuit breaker is {}", self.status())
    }
}

impl error::Error for Refused {}

impl<E> CircuitBreakerError<E> {
    /// Returns the refusal, where the breaker refused the call.
    pub fn refused(&self) -> Option<Refused> {
        match self {
            Self::Refused(refused) => Some(*refused),
            Self::Inner(_) => None,
        }
    }

    /// Returns the call's own error, where it was made.
    pub fn into_inner(self) -> Option<E> {
        match self {
            Self::Refused(_) => None,
            Self::Inner(error) => Some(error),
        }
    }
}

impl<E> From<Refused> for CircuitBreakerError<E> {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl<E: fmt::Display> fmt::Display for CircuitBreakerError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Inner(error) => error.fmt(f),
        }
    }
}

impl<E: error::Error + 'static> error::Error for CircuitBreakerError<E> {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Refused(_) => None,
            Self::Inner(error) => Some(error),
        }
    }
}

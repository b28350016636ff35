//! Why a provider gave no answer, and what that says about it.

use std::time::Duration;

use tooloo_circuit_breaker::{Outcome, Refused};

use super::{gate::Busy, record::FailureKind};

/// The rest of a provider that answers 429 and does not say for how long.
const USUAL_REST: Duration = Duration::from_secs(1);

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: FailureKind,
    /// For people; holds nothing secret.
    pub(crate) detail: String,
    /// How long the provider asks to be left alone, or is left alone already.
    pub(crate) retry_after: Option<Duration>,
    /// What the provider may charge for it.
    pub(crate) bill: Bill,
}

/// What a provider may charge for a call that failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Bill {
    /// Nothing: it was never asked, or it refused.
    Nothing,
    /// These tokens of prompt and answer, as it told itself.
    Usage(u32, u32),
    /// Up to the most that the call can cost: it may have worked, and nobody knows how much.
    Unknown,
}

impl Failure {
    /// Creates a failure that costs nothing.
    pub(crate) fn new(kind: FailureKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            retry_after: None,
            bill: Bill::Nothing,
        }
    }

    pub(crate) fn with_bill(self, bill: Bill) -> Self {
        Self { bill, ..self }
    }

    /// No call was made.
    pub(crate) fn busy(busy: Busy) -> Self {
        Self::new(FailureKind::Busy, format!("is busy: {busy}"))
    }

    /// No call was made, since the provider asked for a rest that is not over.
    pub(super) fn resting(rest: Duration) -> Self {
        Self {
            retry_after: Some(rest),
            ..Self::new(FailureKind::Resting, "rests, as it asked to")
        }
    }

    /// No call was made, since the breaker did not let it through.
    pub(super) fn circuit_open(refused: Refused) -> Self {
        let detail = format!("is left alone: {refused}");
        Self {
            retry_after: refused.retry_after(),
            ..Self::new(FailureKind::CircuitOpen, detail)
        }
    }

    /// Returns what the failure says about the provider.
    pub(super) fn outcome(&self) -> Outcome {
        let retry_after = self.retry_after;
        match self.kind {
            // A key, a model or a path that is refused is refused to every prompt.
            FailureKind::Unreachable
            | FailureKind::TimedOut
            | FailureKind::ServerError
            | FailureKind::Refused
            | FailureKind::BadAnswer => Outcome::Failure { retry_after },
            FailureKind::RateLimited => Outcome::Throttled { retry_after },
            FailureKind::BadRequest
            | FailureKind::Busy
            | FailureKind::Resting
            | FailureKind::CircuitOpen => Outcome::Ignored,
        }
    }

    /// Returns how long the provider is to be left alone after this one call, whatever others show.
    pub(super) fn rest(&self) -> Option<Duration> {
        match self.kind {
            FailureKind::RateLimited => Some(self.retry_after.unwrap_or(USUAL_REST)),
            // A 503 may say when it is over.
            _ => self.retry_after,
        }
    }
}

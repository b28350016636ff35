//! Why a request was refused.

use std::{error, fmt, time::Duration};

/// A request was refused, and nothing was charged for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimited {
    reason: Refusal,
    retry_after: Option<Duration>,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// The key has spent its quota, or those who wait for it come first.
    QuotaSpent,
    /// The request costs more than the quota can ever hold.
    TooCostly,
    /// As many requests wait as may.
    QueueFull,
    /// The quota does not come back before the deadline.
    TooLate,
    /// The shared store cannot be asked, and the policy is to refuse then.
    StoreAway,
}

impl RateLimited {
    pub(crate) fn after(reason: Refusal, wait: Duration) -> Self {
        Self {
            reason,
            // Never told to come back at once, only to be sent away again.
            retry_after: Some(wait.max(Duration::from_nanos(1))),
        }
    }

    pub(crate) fn for_ever() -> Self {
        Self {
            reason: Refusal::TooCostly,
            retry_after: None,
        }
    }

    /// Returns why.
    pub fn reason(&self) -> Refusal {
        self.reason
    }

    /// Returns how long to wait until the same request is admitted, if nobody spends in between;
    /// `None` where it never will be.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.reason {
            Refusal::QuotaSpent => "the quota is spent",
            Refusal::TooCostly => "the request costs more than the quota ever holds",
            Refusal::QueueFull => "too many requests wait for the quota",
            Refusal::TooLate => "the quota does not come back before the deadline",
            Refusal::StoreAway => "the store of the shared quota cannot be asked",
        })?;
        match self.retry_after {
            Some(wait) => write!(f, "; retry after {wait:?}"),
            None => Ok(()),
        }
    }
}

impl error::Error for RateLimited {}

/// No quota could be set for a key: as many keys as the limiter may hold have spent some of theirs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeysFull;

impl fmt::Display for KeysFull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the limiter holds as many keys as it may")
    }
}

impl error::Error for KeysFull {}

//! Why a request was refused.

use std::{error, fmt, num::NonZeroU64, time::Duration};

/// A request was refused, and nothing was charged for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RateLimited {
    reason: Refusal,
    // In nanoseconds, for it is seldom asked for; none is never.
    wait: Option<NonZeroU64>,
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
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Self::after_nanos(reason, nanos)
    }

    #[inline]
    pub(crate) fn after_nanos(reason: Refusal, wait: u64) -> Self {
        Self {
            reason,
            // Never told to come back at once, only to be sent away again.
            wait: NonZeroU64::new(wait).or(Some(NonZeroU64::MIN)),
        }
    }

    pub(crate) fn for_ever() -> Self {
        Self {
            reason: Refusal::TooCostly,
            wait: None,
        }
    }

    /// Returns why.
    pub fn reason(&self) -> Refusal {
        self.reason
    }

    /// Returns how long to wait until the same request is admitted, if nobody spends in between;
    /// `None` where it never will be.
    pub fn retry_after(&self) -> Option<Duration> {
        self.wait.map(|nanos| Duration::from_nanos(nanos.get()))
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
        match self.retry_after() {
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

//! What this crate refuses.

use std::{error, fmt, panic::Location, sync::Arc, time::Duration};

use crate::connection::BoxError;

/// There was no connection to be had.
#[derive(Clone, Debug)]
pub struct PoolError {
    // Boxed: every future and result that may be one is as large as it.
    details: Box<Details>,
}

#[derive(Clone, Debug)]
struct Details {
    refusal: Refusal,
    waited: Duration,
    held_at: Option<&'static Location<'static>>,
    cause: Option<Arc<BoxError>>,
}

/// Why there was no connection to be had.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Refusal {
    /// None came free before the deadline.
    TimedOut,
    /// As many callers wait as may.
    QueueFull,
    /// As many callers of this tenant wait as may.
    TenantQueueFull,
    /// The caller's task holds a connection of this pool, and may not wait for another.
    Nested,
    /// The pool is closed.
    Closed,
    /// The request that the connection was leased for is over.
    RequestOver,
}

impl PoolError {
    pub(crate) fn new(refusal: Refusal) -> Self {
        let details = Details {
            refusal,
            waited: Duration::ZERO,
            held_at: None,
            cause: None,
        };
        Self {
            details: Box::new(details),
        }
    }

    pub(crate) fn with_waited(mut self, waited: Duration) -> Self {
        self.details.waited = waited;
        self
    }

    pub(crate) fn with_held_at(mut self, place: Option<&'static Location<'static>>) -> Self {
        self.details.held_at = place;
        self
    }

    pub(crate) fn with_cause(mut self, cause: Option<Arc<BoxError>>) -> Self {
        self.details.cause = cause;
        self
    }

    /// Returns why.
    pub fn refusal(&self) -> Refusal {
        self.details.refusal
    }

    /// Returns how long the caller waited.
    pub fn waited(&self) -> Duration {
        self.details.waited
    }

    /// Returns where the caller's own task took a connection that it held while it waited.
    pub fn held_at(&self) -> Option<&'static Location<'static>> {
        self.details.held_at
    }

    /// Returns whether the same call may succeed later.
    pub fn is_temporary(&self) -> bool {
        match self.details.refusal {
            Refusal::TimedOut | Refusal::QueueFull | Refusal::TenantQueueFull => true,
            Refusal::Nested | Refusal::Closed | Refusal::RequestOver => false,
        }
    }
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.details.refusal {
            Refusal::TimedOut => {
                let waited = self.details.waited;
                write!(f, "no connection came free within {waited:?}")?;
            }
            Refusal::QueueFull => f.write_str("too many callers wait for a connection")?,
            Refusal::TenantQueueFull => {
                f.write_str("too many callers of this tenant wait for a connection")?;
            }
            Refusal::Nested => f.write_str("no connection is free for a nested lease")?,
            Refusal::Closed => f.write_str("the pool is closed")?,
            Refusal::RequestOver => f.write_str("the request is over")?,
        }
        match self.details.held_at {
            Some(place) => write!(f, "; this task holds another, taken at {place}"),
            None => Ok(()),
        }
    }
}

impl error::Error for PoolError {
    /// The last failure to connect, where there was one since the last success.
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        let cause: &(dyn error::Error + 'static) = &***self.details.cause.as_ref()?;
        Some(cause)
    }
}

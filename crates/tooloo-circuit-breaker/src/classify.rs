//! What the result of a call counts as.

mod retry_after;

use std::time::Duration;

use http::{Response, StatusCode};

/// What the result of a call counts as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The callee works.
    Success,
    /// The callee does not work.
    Failure {
        /// How long it asks to be left alone: a breaker that opens stays open for so long, within its bounds.
        retry_after: Option<Duration>,
    },
    /// The callee works, but refuses this much: a failure for the rate, none in a row of failures.
    Throttled {
        /// How long it asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The result tells nothing of the callee, such as a caller's own mistake.
    Ignored,
}

impl Outcome {
    /// A failure that does not say when to come back.
    pub const FAILURE: Self = Self::Failure { retry_after: None };
}

/// Tells what the result of a call counts as.
///
/// Any closure or function from a result to an [`Outcome`] does.
pub trait Classify<T, E> {
    /// Returns what this result counts as.
    fn classify(&self, result: &Result<T, E>) -> Outcome;
}

impl<F, T, E> Classify<T, E> for F
where
    F: Fn(&Result<T, E>) -> Outcome,
{
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        self(result)
    }
}

/// Takes each error for a failure, and all else for a success.
#[derive(Clone, Copy, Debug, Default)]
pub struct AnyError;

/// Takes an HTTP response by its status, as soon as its head is there.
///
/// Errors and the statuses 500 and up are failures, 429 is [throttled](Outcome::Throttled), all else is a
/// success. Of what is none, `Retry-After` is honoured, in seconds or as a date.
#[derive(Clone, Copy, Debug)]
pub struct ByStatus {
    is_failure: fn(StatusCode) -> bool,
}

/// Ignores some errors, and tells the rest by another classifier.
#[derive(Clone, Copy, Debug)]
pub struct Ignoring<P, C> {
    predicate: P,
    classify: C,
}

impl AnyError {
    /// Ignores the errors that are like `predicate` says.
    pub fn ignoring<P>(self, predicate: P) -> Ignoring<P, Self> {
        Ignoring::new(predicate, self)
    }
}

impl ByStatus {
    /// Takes the statuses 500 and up for failures.
    pub fn new() -> Self {
        Self::with_failures(|status| status.is_server_error())
    }

    /// Takes the statuses of a gateway before the callee for failures: 502, 503 and 504.
    pub fn gateway() -> Self {
        Self::with_failures(|status| matches!(status.as_u16(), 502..=504))
    }

    /// Takes the statuses for failures that are like `is_failure` says.
    pub fn with_failures(is_failure: fn(StatusCode) -> bool) -> Self {
        Self { is_failure }
    }

    /// Ignores the errors that are like `predicate` says.
    pub fn ignoring<P>(self, predicate: P) -> Ignoring<P, Self> {
        Ignoring::new(predicate, self)
    }
}

impl Default for ByStatus {
    fn default() -> Self {
        Self::new()
    }
}

impl<P, C> Ignoring<P, C> {
    /// Ignores the errors that are like `predicate` says, and tells all other results by `classify`.
    pub fn new(predicate: P, classify: C) -> Self {
        Self {
            predicate,
            classify,
        }
    }
}

impl<T, E> Classify<T, E> for AnyError {
    #[inline]
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        match result {
            Ok(_) => Outcome::Success,
            Err(_) => Outcome::FAILURE,
        }
    }
}

impl<B, E> Classify<Response<B>, E> for ByStatus {
    fn classify(&self, result: &Result<Response<B>, E>) -> Outcome {
        let Ok(response) = result else {
            return Outcome::FAILURE;
        };
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS => Outcome::Throttled {
                retry_after: retry_after::read(response.headers()),
            },
            status if (self.is_failure)(status) => Outcome::Failure {
                retry_after: retry_after::read(response.headers()),
            },
            _ => Outcome::Success,
        }
    }
}

impl<P, C, T, E> Classify<T, E> for Ignoring<P, C>
where
    P: Fn(&E) -> bool,
    C: Classify<T, E>,
{
    fn classify(&self, result: &Result<T, E>) -> Outcome {
        match result {
            Err(error) if (self.predicate)(error) => Outcome::Ignored,
            result => self.classify.classify(result),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(classify: &impl Classify<Response<()>, &'static str>, status: u16) -> Outcome {
        let response = Response::builder()
            .status(status)
            .header("retry-after", "7");
        classify.classify(&Ok(response.body(()).unwrap()))
    }

    #[test]
    fn a_status_tells_whether_the_callee_works() {
        let retry_after = Some(Duration::from_secs(7));
        for status in [200, 304, 400, 404, 499] {
            assert_eq!(outcome(&ByStatus::new(), status), Outcome::Success);
        }
        for status in [500, 501, 503, 599] {
            let failure = Outcome::Failure { retry_after };
            assert_eq!(outcome(&ByStatus::new(), status), failure);
        }
        let throttled = Outcome::Throttled { retry_after };
        assert_eq!(outcome(&ByStatus::new(), 429), throttled);
        assert_eq!(outcome(&ByStatus::gateway(), 429), throttled);
        assert_eq!(outcome(&ByStatus::gateway(), 500), Outcome::Success);
        let failure = Outcome::Failure { retry_after };
        assert_eq!(outcome(&ByStatus::gateway(), 502), failure);
    }

    #[test]
    fn some_errors_are_ignored() {
        let classify = AnyError.ignoring(|error: &&str| *error == "mine");
        assert_eq!(classify.classify(&Ok::<(), _>(())), Outcome::Success);
        assert_eq!(classify.classify(&Err::<(), _>("mine")), Outcome::Ignored);
        assert_eq!(classify.classify(&Err::<(), _>("theirs")), Outcome::FAILURE);
    }
}

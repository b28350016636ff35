//! Which breaker decides about a request.

use tooloo_key::ExtractKey;

use crate::{CircuitBreaker, CircuitBreakers, Permit, Refused};

/// Decides about requests: one [`CircuitBreaker`] for all, or [one per key](Keyed).
pub trait Admit<Req> {
    /// Lets a request through, with a permit where a breaker watches it.
    ///
    /// # Errors
    ///
    /// Returns the breaker's refusal.
    fn try_acquire(&self, request: &Req) -> Result<Option<Permit>, Refused>;

    /// Returns the refusal that every request would get now, where no request makes a difference.
    ///
    /// It does not count as a refusal before [`count_refused`](Self::count_refused).
    fn refusal(&self) -> Option<Refused> {
        None
    }

    /// Counts a request that got the [`refusal`](Self::refusal).
    fn count_refused(&self) {}
}

/// Finds the breaker of a request by its key; a request without a key passes.
#[derive(Clone, Debug)]
pub struct Keyed<X> {
    breakers: CircuitBreakers,
    extract: X,
}

impl<X> Keyed<X> {
    /// Finds the key of each request with `extract`, and its breaker among `breakers`.
    pub fn new(breakers: CircuitBreakers, extract: X) -> Self {
        Self { breakers, extract }
    }
}

impl<Req> Admit<Req> for CircuitBreaker {
    #[inline]
    fn try_acquire(&self, _request: &Req) -> Result<Option<Permit>, Refused> {
        self.try_acquire().map(Some)
    }

    #[inline]
    fn refusal(&self) -> Option<Refused> {
        self.refusal()
    }

    #[inline]
    fn count_refused(&self) {
        self.count_refused();
    }
}

impl<Req, X: ExtractKey<Req>> Admit<Req> for Keyed<X> {
    fn try_acquire(&self, request: &Req) -> Result<Option<Permit>, Refused> {
        match self.extract.key(request) {
            Some(key) => self.breakers.try_acquire(&key).map(Some),
            None => Ok(None),
        }
    }
}

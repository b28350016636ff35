//! Makes [`RateLimit`] services that share limiters.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use tower_layer::Layer;

use crate::{Headers, Policies, RateLimit, RateLimitHandle, terms::Terms};

/// Answers `429 Too Many Requests` for a key that has spent its quota.
///
/// All services made by one layer, and their clones, draw on the same buckets. Every answer tells how
/// its client stands, in the [headers](Self::with_headers) that are chosen. See the [crate docs](crate) for an example.
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Clone, Debug)]
pub struct RateLimitLayer<X, C = NonZeroU32> {
    terms: Terms<X, C>,
}

impl<X> RateLimitLayer<X> {
    /// Creates a layer that finds the key of each request with `extract`.
    ///
    /// A request without a key belongs to nobody, and passes.
    pub fn new(policies: impl Into<Policies>, extract: X) -> Self {
        Self {
            terms: Terms {
                policies: policies.into(),
                extract,
                cost: NonZeroU32::MIN,
                patience: Duration::ZERO,
                headers: Headers::All,
            },
        }
    }
}

impl<X, C> RateLimitLayer<X, C> {
    /// Charges each request what `cost` says, a number or a closure; one token by default.
    pub fn with_cost<D>(self, cost: D) -> RateLimitLayer<X, D> {
        let Terms {
            policies,
            extract,
            patience,
            headers,
            ..
        } = self.terms;
        RateLimitLayer {
            terms: Terms {
                policies,
                extract,
                cost,
                patience,
                headers,
            },
        }
    }

    /// Lets a request wait this long for its quota before it is refused; not at all by default.
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.terms.patience = patience;
        self
    }

    /// Chooses the headers that tell clients how they stand; all by default.
    pub fn with_headers(mut self, headers: Headers) -> Self {
        self.terms.headers = headers;
        self
    }

    /// Returns the limiters, to change them while they are in use.
    pub fn policies(&self) -> Policies {
        self.terms.policies.clone()
    }

    /// Returns a read-only view, to keep when the layer moves into a stack.
    pub fn handle(&self) -> RateLimitHandle {
        self.terms.policies.handle()
    }
}

impl<S, X: Clone, C: Clone> Layer<S> for RateLimitLayer<X, C> {
    type Service = RateLimit<S, X, C>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit::new(inner, Arc::new(self.terms.clone()))
    }
}

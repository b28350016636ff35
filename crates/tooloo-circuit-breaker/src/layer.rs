//! Makes [`CircuitBreakerService`]s that share their breakers.

use tower_layer::Layer;

use crate::{AnyError, ByStatus, CircuitBreaker, CircuitBreakerService, CircuitBreakers, Keyed};

/// Stops calls to a service that fails.
///
/// All services made by one layer, and their clones, share its breaker or breakers, which stay with
/// whoever made them: keep a clone or a handle to look at. A refused call is
/// [`CircuitBreakerError::Refused`](crate::CircuitBreakerError::Refused), and does not reach the service.
///
/// It goes outside of what makes a call fail or wait, such as timeouts and limits on concurrency, and
/// inside of retries.
///
/// See the [crate docs](crate) for an example.
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Clone, Debug)]
pub struct CircuitBreakerLayer<A = CircuitBreaker, C = AnyError> {
    admit: A,
    classify: C,
}

impl CircuitBreakerLayer {
    /// Creates a layer with one breaker for all requests.
    pub fn new(breaker: CircuitBreaker) -> Self {
        Self::with_admit(breaker)
    }
}

impl<X> CircuitBreakerLayer<Keyed<X>> {
    /// Creates a layer with a breaker for each key, which `extract` finds in a request.
    pub fn keyed(breakers: CircuitBreakers, extract: X) -> Self {
        Self::with_admit(Keyed::new(breakers, extract))
    }
}

impl<A> CircuitBreakerLayer<A> {
    /// Creates a layer whose requests are decided about by `admit`.
    pub fn with_admit(admit: A) -> Self {
        Self {
            admit,
            classify: AnyError,
        }
    }
}

impl<A, C> CircuitBreakerLayer<A, C> {
    /// Tells by `classify` what a result counts as; without, each error is a failure.
    pub fn with_classifier<D>(self, classify: D) -> CircuitBreakerLayer<A, D> {
        CircuitBreakerLayer {
            admit: self.admit,
            classify,
        }
    }

    /// Tells by the status of an HTTP response what it counts as.
    pub fn by_status(self) -> CircuitBreakerLayer<A, ByStatus> {
        self.with_classifier(ByStatus::new())
    }
}

impl<S, A: Clone, C: Clone> Layer<S> for CircuitBreakerLayer<A, C> {
    type Service = CircuitBreakerService<S, A, C>;

    fn layer(&self, inner: S) -> Self::Service {
        CircuitBreakerService::new(inner, self.admit.clone(), self.classify.clone())
    }
}

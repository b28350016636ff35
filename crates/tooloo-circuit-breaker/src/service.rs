//! Calls the inner service where a breaker lets the request through.

use std::task::{Context, Poll};

use tower_service::Service;

use crate::{
    Admit, CircuitBreaker, CircuitBreakerError, Classify, Refused, future::ResponseFuture,
};

/// Refuses requests while the inner service fails.
#[derive(Debug)]
pub struct CircuitBreakerService<S, A = CircuitBreaker, C = crate::AnyError> {
    inner: S,
    admit: A,
    classify: C,
    // There where readiness was granted without the inner service's.
    refusal: Option<Refused>,
}

impl<S, A, C> CircuitBreakerService<S, A, C> {
    pub(crate) fn new(inner: S, admit: A, classify: C) -> Self {
        Self {
            inner,
            admit,
            classify,
            refusal: None,
        }
    }
}

impl<S: Clone, A: Clone, C: Clone> Clone for CircuitBreakerService<S, A, C> {
    fn clone(&self) -> Self {
        Self::new(
            self.inner.clone(),
            self.admit.clone(),
            self.classify.clone(),
        )
    }
}

impl<Req, S, A, C> Service<Req> for CircuitBreakerService<S, A, C>
where
    S: Service<Req>,
    A: Admit<Req>,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = CircuitBreakerError<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    #[inline]
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // A service that hangs is often busy too: a refusal need not wait for it.
        self.refusal = self.admit.refusal();
        if self.refusal.is_some() {
            return Poll::Ready(Ok(()));
        }
        self.inner
            .poll_ready(cx)
            .map_err(CircuitBreakerError::Inner)
    }

    #[inline]
    fn call(&mut self, request: Req) -> Self::Future {
        if let Some(refusal) = self.refusal.take() {
            self.admit.count_refused();
            return ResponseFuture::refused(refusal);
        }
        match self.admit.try_acquire(&request) {
            Ok(permit) => {
                ResponseFuture::admitted(self.inner.call(request), permit, self.classify.clone())
            }
            // The inner service stays ready: a refusal does not spend its grant.
            Err(refusal) => ResponseFuture::refused(refusal),
        }
    }
}

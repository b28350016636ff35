//! Admits or refuses each request.

use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use tooloo_key::ExtractKey;
use tower_service::Service;

use crate::{
    RequestCost,
    future::ResponseFuture,
    terms::{Terms, Verdict},
};

/// Refuses requests whose key has spent its quota, or lets them wait for it.
#[derive(Debug)]
pub struct RateLimit<S, X, C> {
    inner: S,
    // Servers clone a service for each request.
    terms: Arc<Terms<X, C>>,
}

impl<S, X, C> RateLimit<S, X, C> {
    pub(crate) fn new(inner: S, terms: Arc<Terms<X, C>>) -> Self {
        Self { inner, terms }
    }
}

impl<S: Clone, X, C> RateLimit<S, X, C> {
    /// Takes the instance that was polled ready, which waits with its request.
    fn take_ready(&mut self) -> S {
        let clone = self.inner.clone();
        mem::replace(&mut self.inner, clone)
    }
}

impl<S: Clone, X, C> Clone for RateLimit<S, X, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.terms))
    }
}

impl<S, X, C, ReqBody, ResBody> Service<Request<ReqBody>> for RateLimit<S, X, C>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone,
    X: ExtractKey<Request<ReqBody>>,
    C: RequestCost<Request<ReqBody>>,
    ResBody: From<Bytes>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // Quota belongs to a key, and no key is known before `call`.
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        match self.terms.decide(&request) {
            Verdict::Admitted(stamp) => ResponseFuture::admitted(self.inner.call(request), stamp),
            // The inner service stays ready: a refusal does not spend its grant.
            Verdict::Refused(refusal, decided) => ResponseFuture::refused(refusal, decided),
            Verdict::Waits(acquire, decided) => {
                ResponseFuture::waiting(acquire, self.take_ready(), request, decided)
            }
            Verdict::Asks(asked, decided) => {
                ResponseFuture::asking(asked, self.take_ready(), request, decided)
            }
        }
    }
}

//! Admits or refuses each request.

use std::{
    mem,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use tooloo_key::ExtractKey;
use tower_service::Service;

use crate::{
    Policies,
    cost::RequestCost,
    future::{Decided, ResponseFuture},
};

/// Refuses requests whose key has spent its quota, or lets them wait for it.
#[derive(Clone, Debug)]
pub struct RateLimit<S, X, C> {
    inner: S,
    terms: Terms<X, C>,
}

#[derive(Clone, Debug)]
pub(crate) struct Terms<X, C> {
    pub(crate) policies: Policies,
    pub(crate) extract: X,
    pub(crate) cost: C,
    pub(crate) patience: Duration,
}

impl<S, X, C> RateLimit<S, X, C> {
    pub(crate) fn new(inner: S, terms: Terms<X, C>) -> Self {
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
        let Some(key) = self.terms.extract.key(&request) else {
            return ResponseFuture::admitted(self.inner.call(request), None);
        };
        let cost = self.terms.cost.cost(&request);
        let table = self.terms.policies.table();
        let policy = table.policy(request.method(), request.uri().path());
        let decided = Decided {
            policy: policy.clone(),
            key,
            cost,
            shadow: table.shadow,
        };
        if let Some(shared) = &policy.shared {
            let asked = decided.ask(shared.clone());
            return ResponseFuture::asking(asked, self.take_ready(), request, decided);
        }
        if !self.terms.patience.is_zero() && !table.shadow {
            let deadline = tooloo_clock::now() + self.terms.patience;
            let acquire = policy.limiter.acquire_cost(&decided.key, cost, deadline);
            return ResponseFuture::waiting(acquire, self.take_ready(), request, decided);
        }
        match decided.check() {
            Ok(stamp) => ResponseFuture::admitted(self.inner.call(request), stamp),
            // The inner service stays ready: a refusal does not spend its grant.
            Err(refusal) => ResponseFuture::refused(refusal, decided),
        }
    }
}

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
    Policies, RateLimited,
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
        if !self.terms.patience.is_zero() && !table.shadow {
            let deadline = tooloo_clock::now() + self.terms.patience;
            let acquire = policy.limiter.acquire_cost(&decided.key, cost, deadline);
            // The instance that was polled ready waits with the request.
            let clone = self.inner.clone();
            let ready = mem::replace(&mut self.inner, clone);
            return ResponseFuture::waiting(acquire, ready, request, decided);
        }
        match decided.check() {
            Ok(stamp) => ResponseFuture::admitted(self.inner.call(request), stamp),
            // The inner service stays ready: a refusal does not spend its grant.
            Err(refusal) => ResponseFuture::refused(refusal, decided),
        }
    }
}

impl Decided {
    /// Spends, and tells what the answer will say.
    fn check(&self) -> Result<Option<crate::headers::Stamp>, RateLimited> {
        match self.policy.limiter.check_cost(&self.key, self.cost) {
            Ok(()) => Ok(Some(self.stamp(None))),
            // In the shadow nobody is refused, and nobody is told.
            Err(_) if self.shadow => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }
}

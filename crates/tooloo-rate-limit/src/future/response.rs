//! Response future of the rate limit.

use std::{
    fmt,
    num::NonZeroU32,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tooloo_key::Key;
use tower_service::Service;

use super::Acquire;
use crate::{
    RateLimited, SharedRateLimiter, Standing, headers::Stamp, policies::Policy, pooled::Answer,
    problem,
};

pin_project! {
    /// Response future of [`RateLimit`](crate::RateLimit).
    ///
    /// Dropped while it waits, it gives its place up and spends nothing.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        kind: Kind<S, B, S::Future>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<S, B, F> {
        Admitted { #[pin] inner: F, stamp: Option<Stamp> },
        Refused { refusal: RateLimited, decided: Decided },
        Waiting { #[pin] acquire: Acquire, call: Option<(S, Request<B>)>, decided: Decided },
        // Boxed: asking a store takes a thousand times as long as a box.
        Asking { asked: BoxFuture<'static, Answer>, call: Option<(S, Request<B>)>, decided: Decided },
    }
}

/// What was decided about, by which policy.
#[derive(Clone, Debug)]
pub(crate) struct Decided {
    pub(crate) policy: Policy,
    pub(crate) key: Key,
    pub(crate) cost: NonZeroU32,
    pub(crate) shadow: bool,
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(crate) fn admitted(inner: S::Future, stamp: Option<Stamp>) -> Self {
        Self {
            kind: Kind::Admitted { inner, stamp },
        }
    }

    pub(crate) fn refused(refusal: RateLimited, decided: Decided) -> Self {
        Self {
            kind: Kind::Refused { refusal, decided },
        }
    }

    pub(crate) fn asking(
        asked: BoxFuture<'static, Answer>,
        inner: S,
        request: Request<B>,
        decided: Decided,
    ) -> Self {
        Self {
            kind: Kind::Asking {
                asked,
                call: Some((inner, request)),
                decided,
            },
        }
    }

    pub(crate) fn waiting(
        acquire: Acquire,
        inner: S,
        request: Request<B>,
        decided: Decided,
    ) -> Self {
        Self {
            kind: Kind::Waiting {
                acquire,
                call: Some((inner, request)),
                decided,
            },
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<Bytes>,
{
    type Output = Result<Response<R>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            match this.kind.as_mut().project() {
                KindProj::Admitted { inner, stamp } => {
                    let mut response = ready!(inner.poll(cx))?;
                    if let Some(stamp) = stamp.take() {
                        stamp.write(response.headers_mut());
                    }
                    return Poll::Ready(Ok(response));
                }
                KindProj::Refused { refusal, decided } => {
                    return Poll::Ready(Ok(decided.refusal(*refusal)));
                }
                KindProj::Waiting {
                    acquire,
                    call,
                    decided,
                } => {
                    if let Err(refusal) = ready!(acquire.poll(cx)) {
                        return Poll::Ready(Ok(decided.refusal(refusal)));
                    }
                    let stamp = Some(decided.stamp());
                    let inner = begin(call);
                    this.kind.set(Kind::Admitted { inner, stamp });
                }
                KindProj::Asking {
                    asked,
                    call,
                    decided,
                } => {
                    let Answer { result, standings } = ready!(asked.as_mut().poll(cx));
                    let stamp = match result {
                        Ok(()) => decided.stamp_known(&standings, None),
                        Err(_) if decided.shadow => None,
                        Err(refusal) => {
                            let stamp = decided.stamp_known(&standings, Some(refusal));
                            let cost = decided.cost.get();
                            let response = problem::response(refusal, cost, &standings, stamp);
                            return Poll::Ready(Ok(response));
                        }
                    };
                    let inner = begin(call);
                    this.kind.set(Kind::Admitted { inner, stamp });
                }
            }
        }
    }
}

impl Decided {
    /// Spends, and tells what the answer will say.
    pub(crate) fn check(&self) -> Result<Option<Stamp>, RateLimited> {
        match self.policy.limiter.check_cost(&self.key, self.cost) {
            Ok(()) => Ok(Some(self.stamp())),
            // In the shadow nobody is refused, and nobody is told.
            Err(_) if self.shadow => Ok(None),
            Err(refusal) => Err(refusal),
        }
    }

    /// Asks the store of shared quotas.
    pub(crate) fn ask(&self, shared: SharedRateLimiter) -> BoxFuture<'static, Answer> {
        let (key, cost) = (self.key.clone(), self.cost);
        Box::pin(async move { shared.ask(&key, cost).await })
    }

    fn stamp(&self) -> Stamp {
        self.stamp_of(&self.policy.limiter.peek(&self.key), None)
    }

    fn refusal<R: From<Bytes>>(&self, refusal: RateLimited) -> Response<R> {
        let standings = self.policy.limiter.peek(&self.key);
        let stamp = self.stamp_of(&standings, Some(refusal));
        problem::response(refusal, self.cost.get(), &standings, Some(stamp))
    }

    /// Tells how the key stands, where that is known.
    fn stamp_known(&self, standings: &[Standing], refusal: Option<RateLimited>) -> Option<Stamp> {
        (!standings.is_empty()).then(|| self.stamp_of(standings, refusal))
    }

    fn stamp_of(&self, standings: &[Standing], refusal: Option<RateLimited>) -> Stamp {
        let tiers = self.policy.limiter.tiers();
        let usual = tiers
            .iter()
            .eq(standings.iter().map(|standing| &standing.tier));
        let wait = refusal.and_then(problem::told);
        Stamp::new(&self.policy.header, standings, wait, usual)
    }
}

fn begin<S: Service<Request<B>>, B>(call: &mut Option<(S, Request<B>)>) -> S::Future {
    let call = call.take();
    let (mut service, request) = call.expect("a future is not polled after it was ready");
    service.call(request)
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

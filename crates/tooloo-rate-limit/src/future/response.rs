//! Response future of the rate limit.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::Acquire;
use crate::{RateLimited, headers::Stamp, pooled::Answer, terms::Decided};

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
        // Boxed, as are the calls to come: waiting takes a thousand times as long as a box, and all
        // who need not wait are spared the room.
        Waiting {
            acquire: Pin<Box<Acquire>>,
            call: Option<Box<(S, Request<B>)>>,
            decided: Decided,
        },
        Asking {
            asked: BoxFuture<'static, Answer>,
            call: Option<Box<(S, Request<B>)>>,
            decided: Decided,
        },
    }
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
                call: Some(Box::new((inner, request))),
                decided,
            },
        }
    }

    pub(crate) fn waiting(
        acquire: Pin<Box<Acquire>>,
        inner: S,
        request: Request<B>,
        decided: Decided,
    ) -> Self {
        Self {
            kind: Kind::Waiting {
                acquire,
                call: Some(Box::new((inner, request))),
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
                    let mut polled = inner.poll(cx);
                    if let Poll::Ready(Ok(response)) = &mut polled
                        && let Some(stamp) = stamp.take()
                    {
                        stamp.write(response.headers_mut());
                    }
                    return polled;
                }
                KindProj::Refused { refusal, decided } => {
                    return Poll::Ready(Ok(decided.refusal(*refusal)));
                }
                KindProj::Waiting {
                    acquire,
                    call,
                    decided,
                } => {
                    if let Err(refusal) = ready!(acquire.as_mut().poll(cx)) {
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
                    let stamp = match decided.told(ready!(asked.as_mut().poll(cx))) {
                        Ok(stamp) => stamp,
                        Err(response) => return Poll::Ready(Ok(response)),
                    };
                    let inner = begin(call);
                    this.kind.set(Kind::Admitted { inner, stamp });
                }
            }
        }
    }
}

fn begin<S: Service<Request<B>>, B>(call: &mut Option<Box<(S, Request<B>)>>) -> S::Future {
    let call = call.take();
    let (mut service, request) = *call.expect("a future is not polled after it was ready");
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

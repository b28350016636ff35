//! Future types.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;
use tokio::runtime::Handle;

use crate::{
    CacheBody, HttpCache,
    http::status::{Forwarded, Handled},
};

pin_project! {
    /// Response future of [`CacheService`](crate::CacheService).
    ///
    /// Dropped while others wait for what it fetches, or while something is to be stored, it goes on in a
    /// task for as long as the settings say.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, B: Body, E> {
        #[pin]
        kind: Kind<F, B, E>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<F, B: Body, E> {
        Passed { #[pin] inner: F, http: HttpCache, forwarded: Forwarded },
        Answered { response: Option<Box<Response<CacheBody<B>>>> },
        Working { work: Work<B, E> },
    }
}

/// Boxed, because it may have to go on elsewhere; asking a service takes a thousand times as long.
type Boxed<B, E> = Pin<Box<dyn Future<Output = Result<Response<CacheBody<B>>, E>> + Send>>;

/// What an answer takes that is not simply there.
struct Work<B: Body, E> {
    future: Option<Boxed<B, E>>,
    keep: Keep,
    detach: fn(Boxed<B, E>, Duration),
}

/// Says whether work is of use to more than its client.
#[derive(Clone, Debug)]
pub(crate) struct Keep {
    wanted: Arc<AtomicBool>,
    time: Duration,
}

impl<F, B: Body, E> ResponseFuture<F, B, E> {
    pub(crate) fn passed(inner: F, http: &HttpCache, forwarded: Forwarded) -> Self {
        let http = http.clone();
        Self {
            kind: Kind::Passed {
                inner,
                http,
                forwarded,
            },
        }
    }

    pub(crate) fn answered(response: Response<CacheBody<B>>) -> Self {
        Self {
            kind: Kind::Answered {
                response: Some(Box::new(response)),
            },
        }
    }

    pub(crate) fn working(
        keep: Keep,
        future: impl Future<Output = Result<Response<CacheBody<B>>, E>> + Send + 'static,
    ) -> Self
    where
        B: Send + 'static,
        B::Data: Send,
        B::Error: Send,
        E: Send + 'static,
    {
        let work = Work {
            future: Some(Box::pin(future)),
            keep,
            detach: go_on,
        };
        Self {
            kind: Kind::Working { work },
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F, B, E>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<CacheBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            KindProj::Passed {
                inner,
                http,
                forwarded,
            } => {
                let mut response = ready!(inner.poll(cx))?;
                let handled = Handled::forwarded(*forwarded);
                handled.write(response.headers_mut(), None, http.config());
                Poll::Ready(Ok(response.map(CacheBody::passed)))
            }
            KindProj::Answered { response } => {
                let response = response.take();
                Poll::Ready(Ok(
                    *response.expect("a future is not polled after it was ready")
                ))
            }
            KindProj::Working { work } => {
                let future = work.future.as_mut();
                let future = future.expect("a future is not polled after it was ready");
                let result = ready!(future.as_mut().poll(cx));
                work.future = None;
                Poll::Ready(result)
            }
        }
    }
}

impl<B: Body, E> Drop for Work<B, E> {
    fn drop(&mut self) {
        let keep = &self.keep;
        if let Some(future) = self.future.take()
            && keep.wanted.load(Ordering::Relaxed)
            && !keep.time.is_zero()
        {
            (self.detach)(future, keep.time);
        }
    }
}

impl Keep {
    pub(crate) fn new(time: Duration) -> Self {
        let wanted = Arc::new(AtomicBool::new(false));
        Self { wanted, time }
    }

    /// Says that from now on others want it too.
    pub(crate) fn want(&self) {
        self.wanted.store(true, Ordering::Relaxed);
    }

    /// Says that only its client wants it.
    pub(crate) fn let_go(&self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}

/// Goes on without a client, where there is a runtime.
fn go_on<B, E>(future: Boxed<B, E>, time: Duration)
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Send,
    E: Send + 'static,
{
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(async move { drop(tokio::time::timeout(time, future).await) });
    }
}

impl<F, B: Body, E> fmt::Debug for ResponseFuture<F, B, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}

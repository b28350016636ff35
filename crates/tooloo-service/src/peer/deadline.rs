//! Deadlines inside the trace of a call, which sees one that passes as the failure it is.

use std::{
    error, fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use axum::BoxError;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep_until, timeout_at};
use tooloo_clock::Instant;
use tower_service::Service;

/// Until when an answer must have come; a call carries it among its extensions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deadline {
    /// Only the head: the body may take its time.
    Head(Instant),
    /// All of it.
    Whole(Instant),
}

/// Keeps the deadline of each call that has one.
#[derive(Clone, Debug)]
pub(super) struct Punctual<S> {
    inner: S,
}

pin_project! {
    /// A body that fails where it has not ended by its deadline.
    #[derive(Debug)]
    pub(super) struct PunctualBody<B> {
        #[pin]
        inner: B,
        #[pin]
        late: Option<Sleep>,
    }
}

/// The deadline has passed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Late;

impl<S> Punctual<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner }
    }
}

impl<S, A, B> Service<Request<A>> for Punctual<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    type Response = Response<PunctualBody<B>>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        let deadline = request.extensions_mut().remove::<Deadline>();
        let answer = self.inner.call(request);
        Box::pin(async move {
            let (answer, late) = match deadline {
                None => (answer.await, None),
                Some(Deadline::Head(at)) => (timely(at, answer).await?, None),
                Some(Deadline::Whole(at)) => (timely(at, answer).await?, Some(sleep_until(at))),
            };
            let answer = answer.map_err(Into::into)?;
            Ok(answer.map(|inner| PunctualBody { inner, late }))
        })
    }
}

async fn timely<F: Future>(deadline: Instant, future: F) -> Result<F::Output, Late> {
    timeout_at(deadline, future).await.map_err(|_| Late)
}

impl<B> Body for PunctualBody<B>
where
    B: Body,
    B::Error: Into<BoxError>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        let this = self.project();
        // Also of a body that never pauses.
        if let Some(late) = this.late.as_pin_mut()
            && late.poll(cx).is_ready()
        {
            return Poll::Ready(Some(Err(Late.into())));
        }
        this.inner
            .poll_frame(cx)
            .map(|frame| frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Late {
    /// Says whether `error`, or what caused it, is a deadline that passed.
    pub(super) fn caused(error: &(dyn error::Error + 'static)) -> bool {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if error.is::<Self>() {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer did not come in time")
    }
}

impl error::Error for Late {}

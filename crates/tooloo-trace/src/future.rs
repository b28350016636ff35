//! Future types.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{
    TraceBody,
    call::{Call, Failure},
    w3c::TRACERESPONSE,
};

pin_project! {
    /// Response future of [`Trace`](crate::Trace).
    ///
    /// Dropped before it is ready, it ends its span as cancelled.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // There until the answer is.
        call: Option<Call>,
    }
}

impl<F> ResponseFuture<F> {
    #[inline]
    pub(crate) fn new(inner: F, call: Call) -> Self {
        Self {
            inner,
            call: Some(call),
        }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
{
    type Output = Result<Response<TraceBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let call = this
            .call
            .as_mut()
            .expect("a future is not polled after it was ready");
        let mut answer = call.within(|| this.inner.poll(cx));
        // In place: an answer is large to move.
        match &mut answer {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(response)) => {
                if let Some(context) = call.context() {
                    let value = context.span.traceparent();
                    response.headers_mut().insert(TRACERESPONSE.clone(), value);
                }
            }
            Poll::Ready(Err(_)) => {}
        }
        let call = this.call.take().expect("it was there above");
        answer.map(|answer| match answer {
            Ok(response) => Ok(TraceBody::wrap(call, response)),
            Err(error) => {
                call.fail(Failure::Service);
                Err(error)
            }
        })
    }
}

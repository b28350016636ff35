//! The future of a traced call.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{
    TraceBody,
    call::{Call, Failure},
};

pin_project! {
    /// Response future of [`ClientTrace`](crate::ClientTrace).
    ///
    /// Dropped before it is ready, it ends its span as cancelled.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ClientResponseFuture<F> {
        #[pin]
        inner: F,
        // There until the answer is.
        call: Option<Call>,
    }
}

impl<F> ClientResponseFuture<F> {
    pub(crate) fn new(inner: F, call: Call) -> Self {
        Self {
            inner,
            call: Some(call),
        }
    }
}

impl<F, B, E> Future for ClientResponseFuture<F>
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
        let answer = ready!(call.within(|| this.inner.poll(cx)));
        let call = this.call.take().expect("it was there above");
        Poll::Ready(match answer {
            Ok(response) => Ok(TraceBody::wrap(call, response)),
            Err(error) => {
                call.fail(Failure::Service);
                Err(error)
            }
        })
    }
}

//! Future types.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{Connection, PoolBody, request::Ending};

pin_project! {
    /// Response future of [`PoolService`](crate::PoolService).
    ///
    /// Dropped before it is ready, it gives the request's connection back, to be reset.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, C: Connection> {
        // First: what the request still does ends before its connection goes back.
        #[pin]
        inner: F,
        // There until the answer is.
        ending: Option<Ending<C>>,
    }
}

impl<F, C: Connection> ResponseFuture<F, C> {
    pub(crate) fn new(inner: F, ending: Ending<C>) -> Self {
        Self {
            inner,
            ending: Some(ending),
        }
    }
}

impl<F, C, B, E> Future for ResponseFuture<F, C>
where
    F: Future<Output = Result<Response<B>, E>>,
    C: Connection,
    B: Body,
{
    type Output = Result<Response<PoolBody<B, C>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx));
        let ending = this.ending.take();
        // An error drops it, which is a failure.
        Poll::Ready(response.map(|response| PoolBody::wrap(response, ending)))
    }
}

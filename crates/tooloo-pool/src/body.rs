//! The body of an answer whose end is the end of its request's lease.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::{
    Connection,
    request::{Ending, Outcome},
};

pin_project! {
    /// Gives the request's connection back when it ends, breaks off or is dropped.
    #[derive(Debug)]
    pub struct PoolBody<B, C: Connection> {
        // First: what the body still does ends before its connection goes back.
        #[pin]
        inner: B,
        // None once it has ended.
        ending: Option<Ending<C>>,
        // What the status says.
        outcome: Outcome,
    }
}

impl<B: Body, C: Connection> PoolBody<B, C> {
    /// Wraps the body of an answer; one without a body ends now.
    pub(crate) fn wrap(response: Response<B>, ending: Option<Ending<C>>) -> Response<Self> {
        let outcome = if response.status().is_server_error() {
            Outcome::Failed
        } else {
            Outcome::Answered
        };
        response.map(|inner| {
            let mut ending = ending;
            if inner.is_end_stream()
                && let Some(ending) = ending.take()
            {
                ending.end(outcome);
            }
            Self {
                inner,
                ending,
                outcome,
            }
        })
    }
}

impl<B: Body, C: Connection> Body for PoolBody<B, C> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let polled = this.inner.as_mut().poll_frame(cx);
        let outcome = match &polled {
            Poll::Pending => return polled,
            Poll::Ready(None) => Some(*this.outcome),
            Poll::Ready(Some(Err(_))) => Some(Outcome::Failed),
            // A server that knows the end does not ask for more.
            Poll::Ready(Some(Ok(_))) => this.inner.is_end_stream().then_some(*this.outcome),
        };
        if let Some(outcome) = outcome
            && let Some(ending) = this.ending.take()
        {
            ending.end(outcome);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl<B: From<Bytes>, C: Connection> From<Bytes> for PoolBody<B, C> {
    fn from(bytes: Bytes) -> Self {
        Self {
            inner: bytes.into(),
            ending: None,
            outcome: Outcome::Answered,
        }
    }
}

impl<B: Default, C: Connection> Default for PoolBody<B, C> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            ending: None,
            outcome: Outcome::Answered,
        }
    }
}

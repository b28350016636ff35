//! The body of a traced answer.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http::{HeaderMap, Response, header};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::call::{Call, Failure};

pin_project! {
    /// Ends the span of its call when it ends, breaks off or is dropped.
    #[derive(Debug)]
    pub struct TraceBody<B> {
        #[pin]
        inner: B,
        call: Option<Call>,
        // What is still to come of an announced length.
        left: Option<u64>,
    }
}

impl<B: Body> TraceBody<B> {
    /// Wraps the body of a call that was answered; one without a body ends now.
    #[inline]
    pub(crate) fn wrap(mut call: Call, response: Response<B>) -> Response<Self> {
        let status = response.status();
        call.set_status(status);
        // A body that streams does not know its length; its field may.
        let left = response
            .body()
            .size_hint()
            .exact()
            .or_else(|| announced(response.headers()));
        let over = match left {
            Some(left) => left == 0,
            None => response.body().is_end_stream(),
        };
        let call = if over || !call.expects_body(status) {
            call.end();
            None
        } else {
            Some(call)
        };
        response.map(|inner| Self { inner, call, left })
    }
}

impl<B: Body> Body for TraceBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(call) = this.call else {
            return this.inner.poll_frame(cx);
        };
        let polled = call.within(|| this.inner.as_mut().poll_frame(cx));
        // In place: a frame is large to move.
        match &polled {
            Poll::Pending => {}
            Poll::Ready(None) => {
                if let Some(call) = this.call.take() {
                    call.end();
                }
            }
            Poll::Ready(Some(Err(_))) => {
                if let Some(call) = this.call.take() {
                    call.fail(Failure::Body);
                }
            }
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(left), Some(data)) = (this.left.as_mut(), frame.data_ref()) {
                    *left = left.saturating_sub(data.remaining() as u64);
                }
                // A server that has all it announced does not ask for more.
                let over = *this.left == Some(0) || this.inner.is_end_stream();
                if (over || this.call.as_ref().is_some_and(Call::is_too_long))
                    && let Some(call) = this.call.take()
                {
                    call.end();
                }
            }
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

#[cold]
fn announced(headers: &HeaderMap) -> Option<u64> {
    let length = headers.get(header::CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

impl<B: From<Bytes>> From<Bytes> for TraceBody<B> {
    fn from(bytes: Bytes) -> Self {
        Self {
            inner: bytes.into(),
            call: None,
            left: None,
        }
    }
}

impl<B: Default> Default for TraceBody<B> {
    fn default() -> Self {
        Self {
            inner: B::default(),
            call: None,
            left: None,
        }
    }
}

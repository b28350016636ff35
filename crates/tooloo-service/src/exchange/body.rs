//! The bodies of an exchange: they tell when it is over, and whether all was read.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use http::{Response, header};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;

use super::{Exchanges, Running};
use crate::App;

const EVENT_STREAM: &[u8] = b"text/event-stream";

pin_project! {
    /// A response body that counts as part of its exchange, and that can be told to end.
    pub(crate) struct AnswerBody {
        #[pin]
        inner: Body,
        // Only event streams have no end of their own.
        end: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
        running: Running,
    }
}

pin_project! {
    /// A request body that tells whether it was read to its end.
    pub(super) struct RequestBody {
        #[pin]
        inner: Incoming,
        reading: Reading,
    }
}

#[derive(Debug)]
struct Reading {
    exchanges: Arc<Exchanges>,
    ended: bool,
}

impl AnswerBody {
    pub(super) fn wrap(response: Response<Body>, running: Running, app: &App) -> Response<Self> {
        let content_type = response.headers().get(header::CONTENT_TYPE);
        let events = content_type.is_some_and(|it| it.as_bytes().starts_with(EVENT_STREAM));
        let end = events.then(|| {
            let closing = app.closing();
            Box::pin(async move { closing.requested().await }) as Pin<Box<_>>
        });
        response.map(|inner| Self {
            inner,
            end,
            running,
        })
    }
}

impl http_body::Body for AnswerBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.project();
        if let Some(end) = this.end
            && end.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(None);
        }
        this.inner.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl RequestBody {
    /// Wraps a body that has something to read.
    pub(super) fn wrap(inner: Incoming, exchanges: &Arc<Exchanges>) -> Body {
        if inner.is_end_stream() {
            return Body::empty();
        }
        let reading = Reading {
            exchanges: Arc::clone(exchanges),
            ended: false,
        };
        Body::new(Self { inner, reading })
    }
}

impl http_body::Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut this = self.project();
        let frame = ready!(this.inner.as_mut().poll_frame(cx));
        if frame.is_none() || this.inner.is_end_stream() {
            this.reading.ended = true;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.ended {
            self.exchanges.leave_unread();
        }
    }
}

//! The requests and answers of one connection: which are under way, and how the last one ends.

use std::{
    convert::Infallible,
    future::Future,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::ConnectInfo,
    routing::future::RouteFuture,
};
use http::{HeaderValue, Request, Response, header};
use http_body::{Body as _, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tooloo_clock::Instant;
use tower_service::Service as _;

use crate::{App, Stop};

/// What goes on on one connection.
#[derive(Debug, Default)]
pub(crate) struct Exchanges {
    begun: AtomicUsize,
    running: AtomicUsize,
    ended: Mutex<Option<Instant>>,
    heard: AtomicBool,
    unread: AtomicBool,
}

/// Answers the requests of one connection.
#[derive(Debug)]
pub(crate) struct Exchanger {
    app: App,
    router: Router,
    client: SocketAddr,
    exchanges: Arc<Exchanges>,
}

pin_project! {
    /// Future of an [`Exchanger`].
    pub(crate) struct Answering {
        #[pin]
        inner: RouteFuture<Infallible>,
        running: Option<Running>,
        app: App,
    }
}

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
    struct RequestBody {
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

#[derive(Debug)]
struct Running(Arc<Exchanges>);

impl Exchanges {
    pub(crate) fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.running.load(Ordering::Acquire) > 0
    }

    /// Returns when the last exchange ended.
    pub(crate) fn ended(&self) -> Option<Instant> {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whether the client has sent anything at all.
    pub(crate) fn has_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    pub(crate) fn heard(&self) {
        self.heard.store(true, Ordering::Relaxed);
    }

    /// Says whether a request's body was left where it was.
    pub(crate) fn left_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    fn begin(self: &Arc<Self>) -> Running {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Release);
        Running(Arc::clone(self))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut ended = self.0.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended = Some(tooloo_clock::now());
        self.0.running.fetch_sub(1, Ordering::Release);
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        if !self.ended {
            self.exchanges.unread.store(true, Ordering::Relaxed);
        }
    }
}

impl Exchanger {
    pub(crate) fn new(app: App, client: SocketAddr, exchanges: Arc<Exchanges>) -> Self {
        Self {
            router: app.router(),
            app,
            client,
            exchanges,
        }
    }
}

impl hyper::service::Service<Request<Incoming>> for Exchanger {
    type Response = Response<AnswerBody>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        let running = self.exchanges.begin();
        let mut request = request.map(|inner| RequestBody::wrap(inner, &self.exchanges));
        request.extensions_mut().insert(ConnectInfo(self.client));
        Answering {
            inner: self.router.clone().call(request),
            running: Some(running),
            app: self.app.clone(),
        }
    }
}

impl Future for Answering {
    type Output = Result<Response<AnswerBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.inner.poll(cx));
        if this.app.is_draining() {
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
        let end = is_event_stream(&response).then(|| {
            let closing: Stop = this.app.closing();
            Box::pin(async move { closing.requested().await }) as Pin<Box<_>>
        });
        let running = this.running.take().expect("polled once to its end");
        Poll::Ready(Ok(response.map(|inner| AnswerBody {
            inner,
            end,
            running,
        })))
    }
}

fn is_event_stream(response: &Response<Body>) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"))
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
    fn wrap(inner: Incoming, exchanges: &Arc<Exchanges>) -> Body {
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

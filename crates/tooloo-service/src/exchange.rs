//! The requests and answers of one connection: which are under way, and how the last one ended.

mod body;

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

use axum::{Router, extract::ConnectInfo, routing::future::RouteFuture};
use http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tooloo_clock::Instant;
use tower_service::Service as _;

pub(crate) use self::body::AnswerBody;
use self::body::RequestBody;
use crate::App;

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

    /// Says whether the last request's body was left where it was.
    pub(crate) fn left_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    pub(crate) fn leave_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    fn begin(self: &Arc<Self>) -> Running {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.running.fetch_add(1, Ordering::Release);
        self.unread.store(false, Ordering::Relaxed);
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
        let running = this.running.take().expect("polled once to its end");
        Poll::Ready(Ok(AnswerBody::wrap(response, running, this.app)))
    }
}

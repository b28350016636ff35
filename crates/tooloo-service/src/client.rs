//! The client stack that all outgoing calls go through.

mod connector;

use std::{
    error::Error as _,
    io,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use futures_util::future::BoxFuture;
use http::{Method, Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use tower_service::Service;

use self::connector::{CountingConnector, Uses};
use crate::KitConfig;

/// How long an unused connection is kept: less than our servers keep it, so that they rarely close
/// one that is just being used again.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// The most unused connections kept for each peer.
const POOL_SIZE: usize = 64;

/// Keeps connections to all peers of one service.
///
/// A call that fails because its connection, kept from an earlier one, turns out to be closed is
/// made once more, if making it twice does no harm.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    inner: legacy::Client<CountingConnector, Body>,
}

impl Client {
    pub(crate) fn new(config: &KitConfig) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(config.connect_timeout));
        connector.set_nodelay(true);
        let inner = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .build(CountingConnector::new(connector));
        Self { inner }
    }
}

impl Service<Request<Body>> for Client {
    type Response = Response<Incoming>;
    type Error = legacy::Error;
    // Boxed: hyper-util's own future is boxed, and nothing else here allocates.
    type Future = BoxFuture<'static, Result<Response<Incoming>, legacy::Error>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), legacy::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let client = self.inner.clone();
        let again = repeatable(&request);
        Box::pin(async move {
            let answer = match (client.request(request).await, again) {
                (Err(error), Some(again)) if is_stale(&error) => client.request(again).await,
                (answer, _) => answer,
            };
            if let Some(uses) = answer
                .as_ref()
                .ok()
                .and_then(|ok| ok.extensions().get::<Uses>())
            {
                uses.answered();
            }
            answer
        })
    }
}

/// Copies a request that may be sent twice: one without a body, of an idempotent method.
fn repeatable(request: &Request<Body>) -> Option<Request<Body>> {
    let idempotent = [
        Method::GET,
        Method::HEAD,
        Method::OPTIONS,
        Method::PUT,
        Method::DELETE,
    ];
    if !idempotent.contains(request.method()) || !request.body().is_end_stream() {
        return None;
    }
    let mut again = Request::new(Body::empty());
    again.method_mut().clone_from(request.method());
    again.uri_mut().clone_from(request.uri());
    again.headers_mut().clone_from(request.headers());
    Some(again)
}

/// Says whether a connection that had served before was closed in place of an answer.
fn is_stale(error: &legacy::Error) -> bool {
    let mut extensions = http::Extensions::new();
    if let Some(connected) = error.connect_info() {
        connected.get_extras(&mut extensions);
    }
    let reused = extensions.get::<Uses>().is_some_and(Uses::has_answered);
    let Some(cause) = error
        .source()
        .and_then(|cause| cause.downcast_ref::<hyper::Error>())
    else {
        return false;
    };
    let cut = cause
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>());
    let cut = cut.is_some_and(|cut| {
        use io::ErrorKind::{BrokenPipe, ConnectionReset};
        matches!(cut.kind(), BrokenPipe | ConnectionReset)
    });
    reused && (cut || cause.is_incomplete_message())
}

//! Calls to one other service.

mod call;
mod deadline;
mod error;

use std::{sync::Arc, time::Duration};

use axum::body::{Body, Bytes};
use http::{Request, Response, StatusCode, Uri, header, uri::PathAndQuery};
use serde::{Serialize, de::DeserializeOwned};
use tooloo_trace::{ClientTraceLayer, Tracer};
use tower::{Layer, ServiceExt, util::BoxCloneSyncService};
use tower_service::Service;

pub use self::{call::PeerService, error::PeerError};
use self::{
    call::{Caller, Terms, Wanted},
    deadline::Punctual,
    error::Kind,
};
use crate::{KitConfig, client::Client};

/// Another service, or anything else that speaks HTTP, at a fixed address.
///
/// Every call has a deadline and a bound on the answer's size, and carries the current trace along.
/// Clones share their connections.
#[derive(Clone, Debug)]
pub struct Peer {
    inner: Arc<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    name: Arc<str>,
    base: Uri,
    service: PeerService,
    timeout: Duration,
    longest_body: usize,
}

impl Peer {
    pub(crate) fn new(
        name: &str,
        base: Uri,
        client: Client,
        tracer: &Tracer,
        config: &KitConfig,
    ) -> Self {
        let layer = ClientTraceLayer::new(tracer.clone()).with_peer(name);
        let name: Arc<str> = name.into();
        let caller = Caller {
            peer: Arc::clone(&name),
            client: layer.layer(Punctual::new(client)),
        };
        Self {
            inner: Arc::new(Inner {
                name,
                base,
                service: PeerService::new(caller),
                timeout: config.peer_timeout,
                longest_body: config.peer_body_limit,
            }),
        }
    }

    /// Puts `layer` around every call, a circuit breaker for instance; `explain` turns its error into
    /// one of ours.
    ///
    /// What the layer wraps fails where no answer came, where it came late, and where it broke off or
    /// is not the JSON that was asked for; only of a call by [`send`](Self::send) it sees no more than
    /// the head. An answer of any status is none of these: [`is_failure`](Self::is_failure) tells which
    /// statuses are.
    #[must_use]
    pub fn layered<L, E, F>(mut self, layer: &L, explain: F) -> Self
    where
        L: Layer<PeerService>,
        L::Service: Service<Request<Body>, Response = Response<Body>, Error = E>
            + Clone
            + Send
            + Sync
            + 'static,
        <L::Service as Service<Request<Body>>>::Future: Send + 'static,
        F: Fn(E) -> PeerError + Clone + Send + Sync + 'static,
        E: 'static,
    {
        let inner = Arc::make_mut(&mut self.inner);
        let layered = layer.layer(inner.service.clone()).map_err(explain);
        inner.service = BoxCloneSyncService::new(layered);
        self
    }

    /// Says whether a service of the fleet that answers with `status` does not work.
    ///
    /// 502 and 504 tell of a service behind it, which has a breaker of its own: one that is down must
    /// not take those with it that are not.
    pub fn is_failure(status: StatusCode) -> bool {
        let behind = [StatusCode::BAD_GATEWAY, StatusCode::GATEWAY_TIMEOUT];
        status.is_server_error() && !behind.contains(&status)
    }

    /// Lets calls take this long, instead of the configured time for all peers.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.inner).timeout = timeout;
        self
    }

    /// Reads answers of up to this many bytes, instead of the configured bound for all peers.
    #[must_use]
    pub fn with_body_limit(mut self, bytes: usize) -> Self {
        Arc::make_mut(&mut self.inner).longest_body = bytes;
        self
    }

    /// Returns the name under which this service knows the other.
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Returns the address that paths are appended to.
    pub fn base(&self) -> &Uri {
        &self.inner.base
    }

    /// Asks for `path` and reads the JSON answer.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, PeerError> {
        let request = Request::get(path).header(header::ACCEPT, "application/json");
        let request = request
            .body(Body::empty())
            .map_err(|error| self.failed(Kind::Request(error.to_string())))?;
        self.json(request).await
    }

    /// Posts `body` as JSON to `path` and reads the JSON answer.
    pub async fn post<B, T>(&self, path: &str, body: &B) -> Result<T, PeerError>
    where
        B: Serialize + ?Sized,
        T: DeserializeOwned,
    {
        let body = serde_json::to_vec(body)
            .map_err(|error| self.failed(Kind::Request(error.to_string())))?;
        let request = Request::post(path)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .map_err(|error| self.failed(Kind::Request(error.to_string())))?;
        self.json(request).await
    }

    /// Sends any request; its target's path and query are appended to the base address.
    ///
    /// The deadline covers the head of the answer. The body streams, without a bound. The status
    /// is not judged.
    pub async fn send(&self, request: Request<Body>) -> Result<Response<Body>, PeerError> {
        self.call(Wanted::Head, request).await
    }

    /// Sends any request and reads the whole answer. The status is not judged.
    pub async fn ask(&self, request: Request<Body>) -> Result<Response<Bytes>, PeerError> {
        self.whole(Wanted::Whole, request).await
    }

    async fn json<T: DeserializeOwned>(&self, request: Request<Body>) -> Result<T, PeerError> {
        let (head, bytes) = self.whole(Wanted::Json, request).await?.into_parts();
        if !head.status.is_success() {
            return Err(self.failed(Kind::status(head.status, &bytes)));
        }
        serde_json::from_slice(&bytes).map_err(|error| self.failed(Kind::Body(error.to_string())))
    }

    async fn whole(
        &self,
        wanted: Wanted,
        request: Request<Body>,
    ) -> Result<Response<Bytes>, PeerError> {
        let (head, body) = self.call(wanted, request).await?.into_parts();
        // It is there already, and bounded.
        let bytes = axum::body::to_bytes(body, usize::MAX).await;
        let bytes = bytes.map_err(|error| self.failed(Kind::Body(error.to_string())))?;
        Ok(Response::from_parts(head, bytes))
    }

    async fn call(
        &self,
        wanted: Wanted,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, PeerError> {
        *request.uri_mut() = self.target(request.uri())?;
        request.extensions_mut().insert(Terms {
            wanted,
            begun: tooloo_clock::now(),
            timeout: self.inner.timeout,
            longest_body: self.inner.longest_body,
        });
        self.inner.service.clone().oneshot(request).await
    }

    /// Appends a request's path and query to the base address.
    fn target(&self, uri: &Uri) -> Result<Uri, PeerError> {
        let asked = uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let base = self.inner.base.path().trim_end_matches('/');
        let mut parts = self.inner.base.clone().into_parts();
        let path = PathAndQuery::try_from(format!("{base}{asked}"))
            .map_err(|error| self.failed(Kind::Request(error.to_string())))?;
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).map_err(|error| self.failed(Kind::Request(error.to_string())))
    }

    fn failed(&self, kind: Kind) -> PeerError {
        PeerError::new(&self.inner.name, kind)
    }
}

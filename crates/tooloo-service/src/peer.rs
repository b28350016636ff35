//! Calls to one other service.

mod deadline;
mod error;

use std::{sync::Arc, time::Duration};

use axum::body::{Body, Bytes};
use http::{Request, Response, Uri, header, uri::PathAndQuery};
use http_body_util::BodyExt;
use serde::{Serialize, de::DeserializeOwned};
use tooloo_clock::Instant;
use tooloo_trace::{ClientTrace, ClientTraceLayer, Tracer};
use tower::{Layer, ServiceExt};

pub use self::error::PeerError;
use self::{
    deadline::{Deadline, Late, Punctual},
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
    name: String,
    base: Uri,
    // The deadline is kept inside of the trace, which records one that passes.
    client: ClientTrace<Punctual<Client>>,
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
        Self {
            inner: Arc::new(Inner {
                name: name.to_owned(),
                base,
                client: layer.layer(Punctual::new(client)),
                timeout: config.peer_timeout,
                longest_body: config.peer_body_limit,
            }),
        }
    }

    /// Lets calls take this long, instead of the configured time for all peers.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        Arc::make_mut(&mut self.inner).timeout = timeout;
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
        self.send_by(Deadline::Head(self.deadline()), request).await
    }

    async fn send_by(
        &self,
        deadline: Deadline,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, PeerError> {
        *request.uri_mut() = self.target(request.uri())?;
        request.extensions_mut().insert(deadline);
        match self.inner.client.clone().oneshot(request).await {
            Ok(response) => Ok(response.map(Body::new)),
            Err(error) if error.is::<Late>() => Err(self.failed(Kind::TimedOut)),
            Err(error) => Err(self.failed(Kind::Unreachable(error))),
        }
    }

    async fn json<T: DeserializeOwned>(&self, request: Request<Body>) -> Result<T, PeerError> {
        let deadline = Deadline::Whole(self.deadline());
        let response = self.send_by(deadline, request).await?;
        let status = response.status();
        let bytes = self.read(response.into_body()).await?;
        if !status.is_success() {
            return Err(self.failed(Kind::status(status, &bytes)));
        }
        serde_json::from_slice(&bytes).map_err(|error| self.failed(Kind::Body(error.to_string())))
    }

    fn deadline(&self) -> Instant {
        tooloo_clock::now() + self.inner.timeout
    }

    async fn read(&self, body: Body) -> Result<Bytes, PeerError> {
        let limit = self.inner.longest_body;
        http_body_util::Limited::new(body, limit)
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .map_err(|error| {
                let kind = if error.is::<http_body_util::LengthLimitError>() {
                    Kind::Body(format!("it is larger than {limit} bytes"))
                } else if Late::caused(error.as_ref()) {
                    Kind::TimedOut
                } else {
                    Kind::Body(error.to_string())
                };
                self.failed(kind)
            })
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

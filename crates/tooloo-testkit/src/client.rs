//! A plain HTTP client, to look at a server from outside.

use std::{error, fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// Sends requests over kept-alive connections, which clones share.
#[derive(Clone, Debug)]
pub struct Client {
    inner: legacy::Client<HttpConnector, Full<Bytes>>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The answer's status.
    pub status: StatusCode,
    /// The answer's headers.
    pub headers: HeaderMap,
    /// The answer's whole body.
    pub body: Bytes,
}

/// Why there is no whole answer.
#[derive(Debug)]
pub enum SendError {
    /// No connection could be made: the server never saw the request.
    Connect(legacy::Error),
    /// The connection broke before the head of the answer.
    Head(legacy::Error),
    /// The connection broke in the body of the answer.
    Body(hyper::Error),
}

impl Client {
    /// Creates a client with no connections.
    pub fn new() -> Self {
        Self {
            inner: legacy::Client::builder(TokioExecutor::new()).build_http(),
        }
    }

    /// Creates a client that opens a connection for each request.
    pub fn without_keep_alive() -> Self {
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        Self {
            inner: builder.pool_max_idle_per_host(0).build_http(),
        }
    }

    /// Gets `url`.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send) does.
    pub async fn get(&self, url: impl fmt::Display) -> Reply {
        self.send(request(Method::GET, url, None)).await
    }

    /// Posts `body` as JSON to `url`.
    ///
    /// # Panics
    ///
    /// As [`send`](Self::send) does.
    pub async fn post(&self, url: impl fmt::Display, body: &Value) -> Reply {
        self.send(request(Method::POST, url, Some(body))).await
    }

    /// Sends a request and reads its whole answer.
    ///
    /// # Panics
    ///
    /// Panics where there is no whole answer within 30 seconds.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        let what = format!("{} {}", request.method(), request.uri());
        self.try_send(request)
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends a request and reads its whole answer, or tells why there is none.
    ///
    /// # Panics
    ///
    /// Panics where neither happens within 30 seconds.
    pub async fn try_send(&self, request: Request<Full<Bytes>>) -> Result<Reply, SendError> {
        let what = format!("{} {}", request.method(), request.uri());
        let exchange = async {
            let (head, body) = self.open(request).await?.into_parts();
            let body = body.collect().await.map_err(SendError::Body)?.to_bytes();
            Ok(Reply {
                status: head.status,
                headers: head.headers,
                body,
            })
        };
        let result = timeout(PATIENCE, exchange).await;
        result.unwrap_or_else(|_| panic!("{what}: no whole answer within {PATIENCE:?}"))
    }

    /// Sends a request and returns once the head of its answer is here; the body still streams.
    pub async fn open(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, SendError> {
        self.inner.request(request).await.map_err(|error| {
            if error.is_connect() {
                SendError::Connect(error)
            } else {
                SendError::Head(error)
            }
        })
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Reply {
    /// Reads the body as JSON.
    ///
    /// # Panics
    ///
    /// Panics, showing the body, where it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error} in the {} answer {:?}", self.status, self.text())
        })
    }

    /// Reads the body as text, with what is no UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Returns a header's text, where the header is there and is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the trace id of the answer's `traceresponse`.
    pub fn trace_id(&self) -> Option<&str> {
        self.header("traceresponse")?.split('-').nth(1)
    }
}

/// Builds a request with an optional JSON body.
///
/// # Panics
///
/// Panics where `url` is none.
pub fn request(
    method: Method,
    url: impl fmt::Display,
    body: Option<&Value>,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(url.to_string());
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = body
        .map(|body| Bytes::from(body.to_string()))
        .unwrap_or_default();
    request
        .body(Full::new(body))
        .expect("the test gives a valid URL")
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => write!(f, "no connection: {}", chain(error)),
            Self::Head(error) => write!(f, "no answer: {}", chain(error)),
            Self::Body(error) => write!(f, "a broken body: {}", chain(error)),
        }
    }
}

impl error::Error for SendError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Connect(error) | Self::Head(error) => Some(error),
            Self::Body(error) => Some(error),
        }
    }
}

fn chain(error: &dyn error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

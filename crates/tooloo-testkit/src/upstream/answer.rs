//! What an upstream answers.

use std::{error::Error, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::time::sleep;

use super::Body;
use crate::Gate;

/// One answer: a status, and how slowly, in which pieces and how completely it comes.
#[must_use = "an answer is nothing until an upstream is told it"]
#[derive(Clone, Debug)]
pub struct Answer {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    gate: Option<Gate>,
    latency: Duration,
    chunks: Vec<Bytes>,
    pause: Duration,
    broken_off: bool,
}

impl Answer {
    /// Creates an immediate answer with an empty body.
    pub fn new(status: StatusCode) -> Self {
        Self {
            status,
            headers: Vec::new(),
            gate: None,
            latency: Duration::ZERO,
            chunks: Vec::new(),
            pause: Duration::ZERO,
            broken_off: false,
        }
    }

    /// Adds a header.
    ///
    /// # Panics
    ///
    /// Panics where the name or the value is no header's.
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("the test gives a valid header value");
        self.headers.push((HeaderName::from_static(name), value));
        self
    }

    /// Waits this long before the head.
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Waits at `gate` before the head.
    pub fn with_gate(mut self, gate: Gate) -> Self {
        self.gate = Some(gate);
        self
    }

    /// Sends these pieces as the body, each in a chunk of its own.
    pub fn with_chunks<T: Into<Bytes>>(mut self, chunks: impl IntoIterator<Item = T>) -> Self {
        self.chunks = chunks.into_iter().map(Into::into).collect();
        self
    }

    /// Waits this long before each piece of the body.
    pub fn with_pause(mut self, pause: Duration) -> Self {
        self.pause = pause;
        self
    }

    /// Breaks the connection after the last piece of the body.
    pub fn broken_off(mut self) -> Self {
        self.broken_off = true;
        self
    }

    pub(super) async fn respond(self) -> Response<Body> {
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        sleep(self.latency).await;
        let pause = self.pause;
        let chunks = stream::iter(self.chunks).then(move |chunk| async move {
            sleep(pause).await;
            Ok(Frame::data(chunk))
        });
        let end = stream::iter(
            self.broken_off
                .then(|| Err(Box::<dyn Error + Send + Sync>::from("broken off as told"))),
        );
        let mut response = Response::new(StreamBody::new(chunks.chain(end)).boxed_unsync());
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers);
        response
    }
}

//! Reads one answer of one service: bounded in size and time.

use std::{fmt, time::Duration};

use axum::body::{Body, Bytes};
use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tooloo_service::{Peer, PeerError};

/// Bounds of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) timeout: Duration,
    pub(crate) bytes: usize,
}

/// A service's answer.
#[derive(Debug)]
pub(crate) enum Answer {
    Whole {
        body: Bytes,
        etag: Option<HeaderValue>,
    },
    /// The same as the one with the tag that was sent along.
    Unchanged,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unread {
    Unreachable(PeerError),
    TimedOut(Duration),
    Status(StatusCode),
    TooLarge { limit: usize },
    Broken(String),
}

/// Gets `path` from `peer`, or learns that it is still what it was under `etag`.
pub(crate) async fn get(
    peer: &Peer,
    path: &str,
    etag: Option<&HeaderValue>,
    bounds: Bounds,
) -> Result<Answer, Unread> {
    let mut request = Request::get(path).header(header::ACCEPT, "application/json");
    if let Some(etag) = etag {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    let request = request
        .body(Body::empty())
        .map_err(|error| Unread::Broken(error.to_string()))?;
    tokio::time::timeout(bounds.timeout, read(peer, request, bounds))
        .await
        .unwrap_or(Err(Unread::TimedOut(bounds.timeout)))
}

async fn read(peer: &Peer, request: Request<Body>, bounds: Bounds) -> Result<Answer, Unread> {
    let conditional = request.headers().contains_key(header::IF_NONE_MATCH);
    let response = peer.send(request).await.map_err(|error| {
        if error.is_timeout() {
            Unread::TimedOut(bounds.timeout)
        } else {
            Unread::Unreachable(error)
        }
    })?;
    let (head, body) = response.into_parts();
    match head.status {
        StatusCode::OK => {}
        StatusCode::NOT_MODIFIED if conditional => return Ok(Answer::Unchanged),
        status => return Err(Unread::Status(status)),
    }
    let body = Limited::new(body, bounds.bytes)
        .collect()
        .await
        .map_err(|error| {
            if error.is::<LengthLimitError>() {
                Unread::TooLarge {
                    limit: bounds.bytes,
                }
            } else {
                Unread::Broken(error.to_string())
            }
        })?;
    Ok(Answer::Whole {
        body: body.to_bytes(),
        etag: head.headers.get(header::ETAG).cloned(),
    })
}

impl Unread {
    /// Says whether the service answered at all.
    pub(crate) fn answered(&self) -> bool {
        matches!(
            self,
            Self::Status(_) | Self::TooLarge { .. } | Self::Broken(_)
        )
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) => error.fmt(f),
            Self::TimedOut(timeout) => write!(f, "no whole answer within {timeout:?}"),
            Self::Status(status) => write!(f, "the answer's status is {status}"),
            Self::TooLarge { limit } => write!(f, "the answer is larger than {limit} bytes"),
            Self::Broken(why) => write!(f, "the answer broke off: {why}"),
        }
    }
}

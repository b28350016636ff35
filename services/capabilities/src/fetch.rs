//! Reads one answer of one service, which its peer bounds in size and time.

use std::fmt;

use axum::body::{Body, Bytes};
use http::{HeaderValue, Request, StatusCode, header};
use tooloo_service::{Peer, PeerError};

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
    Failed(PeerError),
    Status(StatusCode),
}

/// Gets `path` from `peer`, or learns that it is still what it was under `etag`.
pub(crate) async fn get(
    peer: &Peer,
    path: &'static str,
    etag: Option<&HeaderValue>,
) -> Result<Answer, Unread> {
    let mut request = Request::get(path).header(header::ACCEPT, "application/json");
    if let Some(etag) = etag {
        request = request.header(header::IF_NONE_MATCH, etag);
    }
    let request = request.body(Body::empty());
    let request = request.expect("a path of ours and a header's value make a request");
    let (head, body) = peer
        .ask(request)
        .await
        .map_err(Unread::Failed)?
        .into_parts();
    match head.status {
        StatusCode::OK => Ok(Answer::Whole {
            body,
            etag: head.headers.get(header::ETAG).cloned(),
        }),
        StatusCode::NOT_MODIFIED if etag.is_some() => Ok(Answer::Unchanged),
        status => Err(Unread::Status(status)),
    }
}

impl Unread {
    /// Says whether the service answered at all.
    pub(crate) fn answered(&self) -> bool {
        match self {
            Self::Status(_) => true,
            Self::Failed(error) => {
                !(error.is_unreachable() || error.is_timeout() || error.is_refused())
            }
        }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::Status(status) => write!(f, "the answer's status is {status}"),
        }
    }
}

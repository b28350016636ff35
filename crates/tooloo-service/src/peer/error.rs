//! Why a call to another service gave nothing usable.

use std::{error, fmt, time::Duration};

use http::StatusCode;

use crate::Problem;

/// A call to another service gave nothing usable.
#[derive(Debug)]
pub struct PeerError {
    peer: String,
    kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Request(String),
    Unreachable(axum::BoxError),
    TimedOut(Duration),
    Status { status: StatusCode, excerpt: String },
    Body(String),
    Refused { retry_after: Option<Duration> },
}

/// How much of an answer an error shows, in bytes.
const EXCERPT: usize = 512;

/// When to ask again where nobody knows: probes under way are done soon, and a breaker that someone
/// has opened is closed when it is closed.
const SOON: Duration = Duration::from_secs(1);

impl Kind {
    pub(super) fn status(status: StatusCode, body: &[u8]) -> Self {
        let excerpt = String::from_utf8_lossy(&body[..body.len().min(EXCERPT)]).into_owned();
        Self::Status { status, excerpt }
    }
}

impl PeerError {
    pub(super) fn new(peer: &str, kind: Kind) -> Self {
        Self {
            peer: peer.to_owned(),
            kind,
        }
    }

    /// Says that `peer` was not called, since its circuit breaker is open.
    ///
    /// `retry_after` tells when it will be called again, where that is known.
    pub fn refused(peer: &str, retry_after: Option<Duration>) -> Self {
        Self::new(peer, Kind::Refused { retry_after })
    }

    /// Returns the name of the service that was called, or was to be.
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Says whether no connection could be made, or it broke before an answer.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.kind, Kind::Unreachable(_))
    }

    /// Says whether the answer did not come in time.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, Kind::TimedOut(_))
    }

    /// Says whether no call was made, since the circuit breaker is open.
    pub fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Refused { .. })
    }

    /// Returns when calls will be made again, where none was and that is known.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            Kind::Refused { retry_after } => retry_after,
            _ => None,
        }
    }

    /// Returns the status where an answer came that was no success.
    pub fn status(&self) -> Option<StatusCode> {
        match self.kind {
            Kind::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Returns the beginning of that answer's body.
    pub fn excerpt(&self) -> Option<&str> {
        match &self.kind {
            Kind::Status { excerpt, .. } => Some(excerpt),
            _ => None,
        }
    }
}

impl From<PeerError> for Problem {
    fn from(error: PeerError) -> Self {
        // What a breaker refuses, it refuses often, and the calls that opened it were told.
        if error.is_refused() {
            tracing::debug!(%error, "a call to a peer was not made");
        } else {
            tracing::warn!(%error, "a call to a peer failed");
        }
        let PeerError { peer, kind } = error;
        match kind {
            Kind::TimedOut(_) => {
                Self::gateway_timeout("peer_timeout", format!("{peer} did not answer in time"))
            }
            Kind::Unreachable(_) => {
                Self::bad_gateway("peer_unreachable", format!("{peer} cannot be reached"))
            }
            Kind::Status { status, .. } => Self::bad_gateway(
                "peer_failed",
                format!("{peer} answered with the status {}", status.as_u16()),
            ),
            Kind::Request(_) | Kind::Body(_) => {
                Self::bad_gateway("peer_unusable", format!("{peer} gave no usable answer"))
            }
            Kind::Refused { retry_after } => {
                let detail =
                    format!("{peer} is not called at the moment: its circuit breaker is open");
                Self::unavailable("circuit_open", detail)
                    .with_retry_after(retry_after.unwrap_or(SOON))
            }
        }
    }
}

impl fmt::Display for PeerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let peer = &self.peer;
        match &self.kind {
            Kind::Request(why) => write!(f, "no request for {peer} can be made: {why}"),
            Kind::Unreachable(error) => {
                write!(f, "{peer} cannot be reached: {error}")?;
                let mut cause = error.source();
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Kind::TimedOut(timeout) => write!(f, "{peer} did not answer within {timeout:?}"),
            Kind::Status { status, .. } => write!(f, "{peer} answered {status}"),
            Kind::Body(why) => write!(f, "{peer} gave an unusable answer: {why}"),
            Kind::Refused { .. } => write!(f, "{peer} is not called: its circuit breaker is open"),
        }
    }
}

impl error::Error for PeerError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match &self.kind {
            Kind::Unreachable(error) => Some(error.as_ref()),
            _ => None,
        }
    }
}

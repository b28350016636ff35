//! One call to a peer, from its request to as much of the answer as is wanted.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::{BodyExt, Collected, LengthLimitError, Limited};
use serde::de::IgnoredAny;
use tooloo_clock::Instant;
use tooloo_trace::ClientTrace;
use tower::{ServiceExt, util::BoxCloneSyncService};
use tower_service::Service;

use super::{
    PeerError,
    deadline::{Deadline, Late, Punctual},
    error::Kind,
};
use crate::client::Client;

/// The calls to a peer, for layers to go around: see [`Peer::layered`](crate::Peer::layered).
pub type PeerService = BoxCloneSyncService<Request<Body>, Response<Body>, PeerError>;

/// What a call is about; it carries this among its extensions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) wanted: Wanted,
    pub(super) begun: Instant,
    pub(super) timeout: Duration,
    pub(super) longest_body: usize,
}

/// When a call is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wanted {
    /// With the head of the answer: the body may take its time.
    Head,
    /// When all of the answer is there.
    Whole,
    /// When all of the answer is there, and is JSON where it is a success.
    Json,
}

/// Makes calls.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) peer: Arc<str>,
    // The deadline is kept inside of the trace, which records one that passes.
    pub(super) client: ClientTrace<Punctual<Client>>,
}

impl Service<Request<Body>> for Caller {
    type Response = Response<Body>;
    type Error = PeerError;
    // Boxed: the client's future is boxed too, and a call over a network takes longer by far.
    type Future = BoxFuture<'static, Result<Response<Body>, PeerError>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), PeerError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let terms = request.extensions_mut().remove::<Terms>();
        let caller = self.clone();
        Box::pin(async move {
            let Some(terms) = terms else {
                let why = "a layer around the peer lost what the call is about";
                return Err(caller.failed(Kind::Request(why.to_owned())));
            };
            let deadline = terms.begun + terms.timeout;
            request.extensions_mut().insert(match terms.wanted {
                Wanted::Head => Deadline::Head(deadline),
                Wanted::Whole | Wanted::Json => Deadline::Whole(deadline),
            });
            let response = match caller.client.clone().oneshot(request).await {
                Ok(response) => response.map(Body::new),
                Err(error) if error.is::<Late>() => {
                    return Err(caller.failed(Kind::TimedOut(terms.timeout)));
                }
                Err(error) => return Err(caller.failed(Kind::Unreachable(error))),
            };
            match terms.wanted {
                Wanted::Head => Ok(response),
                Wanted::Whole | Wanted::Json => caller.read(response, terms).await,
            }
        })
    }
}

impl Caller {
    /// Waits for the whole body, so that a layer sees a broken one as the failure it is.
    async fn read(
        &self,
        response: Response<Body>,
        terms: Terms,
    ) -> Result<Response<Body>, PeerError> {
        let (head, body) = response.into_parts();
        let limit = terms.longest_body;
        let bytes = Limited::new(body, limit)
            .collect()
            .await
            .map(Collected::to_bytes)
            .map_err(|error| {
                self.failed(if error.is::<LengthLimitError>() {
                    Kind::Body(format!("it is larger than {limit} bytes"))
                } else if Late::caused(error.as_ref()) {
                    Kind::TimedOut(terms.timeout)
                } else {
                    Kind::Body(error.to_string())
                })
            })?;
        if terms.wanted == Wanted::Json && head.status.is_success() {
            serde_json::from_slice::<IgnoredAny>(&bytes)
                .map_err(|error| self.failed(Kind::Body(error.to_string())))?;
        }
        Ok(Response::from_parts(head, Body::from(bytes)))
    }

    fn failed(&self, kind: Kind) -> PeerError {
        PeerError::new(&self.peer, kind)
    }
}

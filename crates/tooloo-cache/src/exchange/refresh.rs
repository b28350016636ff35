//! Fetching a stale response anew behind its answer, RFC 5861 §3.

use std::{future::poll_fn, pin::pin, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use tokio::{runtime::Handle, time::timeout};
use tower_service::Service;

use super::{
    Exchange,
    turn::{Right, Stale, Turn, Waited},
};
use crate::{Claim, RefreshPermit, http_cache::Selection};

/// How long a refresh may take at least.
const AT_LEAST: Duration = Duration::from_secs(30);

impl<S, B, R> Exchange<S, B>
where
    S: Service<Request<B>, Response = Response<R>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Send + 'static,
    R: Body<Data = Bytes> + Send + 'static,
    R::Error: Send + 'static,
{
    /// Sends the request on in a task, where nobody else is fetching its answer.
    pub(super) fn refresh(mut self, stale: Stale, selection: Selection, permit: RefreshPermit) {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let Claim::Lead(lead) = self.ask.http.cache().claim(&selection.key) else {
            return;
        };
        // Even for the answer to a HEAD, the whole is fetched.
        self.ask.method = Method::GET;
        *self.request.method_mut() = Method::GET;
        let right = Right::claimed(lead);
        let turn = Turn::new(&self.ask, right, selection, Some(stale), Waited::Not);
        let time = self.ask.http.config().finish_for.max(AT_LEAST);
        runtime.spawn(async move {
            let _permit = permit;
            drop(timeout(time, self.fetch_and_drain(turn)).await);
        });
    }

    async fn fetch_and_drain(self, turn: Turn) {
        let Ok(response) = self.fetch(turn).await else {
            return;
        };
        let mut body = pin!(response.into_body());
        while let Some(Ok(_)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {}
    }
}

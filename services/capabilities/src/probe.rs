//! Calls active operations now and then, to see that they work.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use database::{StoreError, now};
use futures_util::{StreamExt, stream};
use http::{Request, header};
use jiff::Timestamp;
use tooloo_service::Stop;

use crate::{operation::Operation, sources::Sources, store::Records};

/// By this, services can tell a probe from a user.
pub(crate) const USER_AGENT: &str =
    concat!("tooloo-capabilities-probe/", env!("CARGO_PKG_VERSION"));

/// Probes that run at once.
const CONCURRENCY: usize = 4;

/// Calls active operations that take no parameters.
#[derive(Debug)]
pub(crate) struct Prober {
    pub(crate) sources: Arc<Sources>,
    pub(crate) records: Records,
    pub(crate) timeout: Duration,
}

/// How a probe went.
#[derive(Clone, Debug)]
pub(crate) struct Probed {
    pub(crate) id: String,
    pub(crate) time: Timestamp,
    /// Until the head of the answer; `None` where none came.
    pub(crate) latency: Option<Duration>,
    pub(crate) status: Option<u16>,
    /// `None` where the operation works.
    pub(crate) error: Option<String>,
}

impl Prober {
    /// Probes each `interval`.
    pub(crate) async fn keep_probing(&self, interval: Duration, stop: Stop) {
        loop {
            tokio::select! {
                () = stop.requested() => return,
                () = tokio::time::sleep(interval) => {}
            }
            tokio::select! {
                () = stop.requested() => return,
                outcome = self.round() => if let Err(error) = outcome {
                    tracing::error!(%error, "probes could not be kept");
                },
            }
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let callable = self.records.callable().await?;
        let calls = callable.into_iter().map(|operation| self.probe(operation));
        let probed: Vec<Probed> = stream::iter(calls)
            .buffer_unordered(CONCURRENCY)
            .collect()
            .await;
        self.records.count_probes(&probed).await
    }

    async fn probe(&self, operation: Operation) -> Probed {
        let begun = tooloo_clock::now();
        let outcome = self.call(&operation).await;
        let latency = begun.elapsed();
        let (status, error) = match outcome {
            Ok(status) if status < 400 => (Some(status), None),
            Ok(status) => (
                Some(status),
                Some(format!("the answer's status is {status}")),
            ),
            Err(why) => (None, Some(why)),
        };
        Probed {
            id: operation.id,
            time: now(),
            latency: status.map(|_| latency),
            status,
            error,
        }
    }

    async fn call(&self, operation: &Operation) -> Result<u16, String> {
        let peer = self
            .sources
            .peer(&operation.service)
            .ok_or("the service is unknown")?;
        let request = Request::get(operation.path.as_str())
            .header(header::USER_AGENT, USER_AGENT)
            // The service is to be seen, not what is kept of it.
            .header(header::CACHE_CONTROL, "no-cache")
            .body(Body::empty())
            .map_err(|error| error.to_string())?;
        // The body is dropped unread: it may be a stream without an end.
        let peer = peer.clone().with_timeout(self.timeout);
        let answer = peer.send(request).await;
        answer
            .map(|response| response.status().as_u16())
            .map_err(|error| error.to_string())
    }
}

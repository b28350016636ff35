//! The client stack that all outgoing calls go through.

use std::time::Duration;

use axum::body::Body;
use http::{Request, Response};
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::KitConfig;

/// How long an unused connection is kept: less than our servers keep it, so that they rarely
/// close one that is just being used again.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// The most unused connections kept for each peer.
const POOL_SIZE: usize = 64;

/// Keeps connections to all peers of one service.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    inner: legacy::Client<HttpConnector, Body>,
}

/// What bounds a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) timeout: Duration,
    pub(crate) body: usize,
}

impl Client {
    pub(crate) fn new(config: &KitConfig) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(config.connect_timeout));
        connector.set_nodelay(true);
        let inner = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(POOL_SIZE)
            .build(connector);
        Self { inner }
    }

    pub(crate) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Response<Body>, axum::BoxError> {
        let response = self.inner.request(request).await?;
        Ok(response.map(Body::new))
    }
}

//! Gives each request a connection of its own.

use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use tooloo_key::ExtractKey;
use tower_service::Service;

use crate::{Anyone, Connection, Pool, PoolBody, RequestConnection, future::ResponseFuture};

/// Gives each request a connection of its own, leased when it is first asked for.
#[derive(Debug)]
pub struct PoolService<S, C: Connection, X = Anyone> {
    inner: S,
    pool: Pool<C>,
    tenant: X,
}

impl<S, C: Connection, X> PoolService<S, C, X> {
    pub(crate) fn new(inner: S, pool: Pool<C>, tenant: X) -> Self {
        Self {
            inner,
            pool,
            tenant,
        }
    }
}

impl<S: Clone, C: Connection, X: Clone> Clone for PoolService<S, C, X> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.pool.clone(), self.tenant.clone())
    }
}

impl<S, C, X, ReqBody, ResBody> Service<Request<ReqBody>> for PoolService<S, C, X>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    C: Connection,
    X: ExtractKey<Request<ReqBody>>,
    ResBody: Body,
{
    type Response = Response<PoolBody<ResBody, C>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // A connection held from here on would be one that other requests wait for.
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        let tenant = self.tenant.key(&request);
        let connection = RequestConnection::new(self.pool.clone(), tenant);
        let ending = connection.ending();
        request.extensions_mut().insert(connection);
        ResponseFuture::new(self.inner.call(request), ending)
    }
}

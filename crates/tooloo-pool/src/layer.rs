//! Makes [`PoolService`]s that share their pool.

use tooloo_key::{ExtractKey, Key};
use tower_layer::Layer;

use crate::{Connection, Pool, PoolHandle, PoolService};

/// Gives each request a connection of its own, leased when it is first asked for.
///
/// The request finds it among its extensions as a [`RequestConnection`](crate::RequestConnection), which is also an
/// axum extractor with the feature `axum`. It goes back at the end of the response's body; where the service failed,
/// panicked, answered with a 5xx, or was dropped, it is reset first. A request that asks for none costs none.
///
/// It goes innermost: what a layer outside of it refuses or answers needs no connection.
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Debug)]
pub struct PoolLayer<C: Connection, X = Anyone> {
    pool: Pool<C>,
    tenant: X,
}

/// Requests that are no tenant's.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Anyone;

impl<C: Connection> PoolLayer<C> {
    /// Creates a layer over a pool.
    pub fn new(pool: Pool<C>) -> Self {
        Self {
            pool,
            tenant: Anyone,
        }
    }
}

impl<C: Connection, X> PoolLayer<C, X> {
    /// Leases for the tenant that `extract` finds in a request, so that its share of the pool counts.
    pub fn with_tenant<Y>(self, extract: Y) -> PoolLayer<C, Y> {
        PoolLayer {
            pool: self.pool,
            tenant: extract,
        }
    }

    /// Returns a read-only view of the pool.
    pub fn handle(&self) -> PoolHandle {
        self.pool.handle()
    }
}

impl<C: Connection, X: Clone> Clone for PoolLayer<C, X> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            tenant: self.tenant.clone(),
        }
    }
}

impl<S, C: Connection, X: Clone> Layer<S> for PoolLayer<C, X> {
    type Service = PoolService<S, C, X>;

    fn layer(&self, inner: S) -> Self::Service {
        PoolService::new(inner, self.pool.clone(), self.tenant.clone())
    }
}

impl<Req> ExtractKey<Req> for Anyone {
    fn key(&self, _: &Req) -> Option<Key> {
        None
    }
}

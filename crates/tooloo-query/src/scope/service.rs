//! Calls the inner service in a scope of its own.

use std::task::{Context, Poll};

use tokio::task::futures::TaskLocalFuture;
use tower_service::Service;

use super::{Budget, QueryScope};

/// Has the queries of each request belong together.
#[derive(Clone, Copy, Debug)]
pub struct QueryScopeService<S> {
    inner: S,
    budget: Option<Budget>,
}

impl<S> QueryScopeService<S> {
    pub(crate) fn new(inner: S, budget: Option<Budget>) -> Self {
        Self { inner, budget }
    }
}

impl<S: Service<Req>, Req> Service<Req> for QueryScopeService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = TaskLocalFuture<QueryScope, S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let scope = QueryScope::new(self.budget);
        scope.wrap(|| self.inner.call(request))
    }
}

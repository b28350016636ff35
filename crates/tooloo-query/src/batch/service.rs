//! Passes queries on, or adds them to a batch.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tokio::runtime::Handle;
use tower_service::Service;

use super::{Lines, drive::drive, state::Added};
use crate::{Query, QueryError, QueryScope, Rows, future::BatchFuture};

/// Puts statements that change rows together into one transaction.
#[derive(Clone, Debug)]
pub struct Batch<S> {
    inner: S,
    lines: Arc<Lines>,
}

impl<S> Batch<S> {
    pub(crate) fn new(inner: S, lines: Arc<Lines>) -> Self {
        Self { inner, lines }
    }
}

impl<S> Service<Query> for Batch<S>
where
    S: Service<Query, Response = Rows, Error = QueryError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Rows;
    type Error = QueryError;
    type Future = BatchFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), QueryError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut query: Query) -> Self::Future {
        // A batch is sent by a task of its own, which needs a runtime.
        let runtime = Handle::try_current().ok();
        let runtime = runtime.filter(|_| self.lines.takes(&query));
        let Some(runtime) = runtime else {
            return BatchFuture::own(self.inner.call(query));
        };
        query.scope = query.scope.or_else(QueryScope::current);
        match self.lines.add(query) {
            Added::AtOnce(query, under_way) => {
                BatchFuture::at_once(self.inner.call(*query), under_way)
            }
            Added::First(tenant, answer) => {
                // The inner service stays ready: what waits is sent by a clone.
                let lines = Arc::clone(&self.lines);
                runtime.spawn(drive(self.inner.clone(), lines, tenant));
                BatchFuture::waiting(answer)
            }
            Added::Waiting(answer) => BatchFuture::waiting(answer),
            Added::Full(query) => BatchFuture::own(self.inner.call(*query)),
        }
    }
}

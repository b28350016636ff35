//! Passes queries on, or adds them to a batch.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tokio::runtime::Handle;
use tower_service::Service;

use super::{Groups, drive::drive, groups::Added};
use crate::{Query, QueryError, QueryScope, Rows, future::GatherFuture};

/// Gathers reads by key into one statement.
#[derive(Clone, Debug)]
pub struct Gather<S> {
    inner: S,
    groups: Arc<Groups>,
}

impl<S> Gather<S> {
    pub(crate) fn new(inner: S, groups: Arc<Groups>) -> Self {
        Self { inner, groups }
    }
}

impl<S> Service<Query> for Gather<S>
where
    S: Service<Query, Response = Rows, Error = QueryError> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Rows;
    type Error = QueryError;
    type Future = GatherFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), QueryError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut query: Query) -> Self::Future {
        // A batch is sent by a task of its own, which needs a runtime.
        let runtime = Handle::try_current().ok();
        let gatherable = query.keyed.take().zip(runtime);
        let Some((keyed, runtime)) = gatherable.filter(|_| !query.alone) else {
            return GatherFuture::own(self.inner.call(query));
        };
        query.scope = query.scope.or_else(QueryScope::current);
        match self.groups.add(&keyed.read, query) {
            Added::First(group, answer) => {
                // The inner service stays ready: the batch is sent by a clone.
                runtime.spawn(drive(self.inner.clone(), Arc::clone(&self.groups), group));
                GatherFuture::waiting(answer)
            }
            Added::Waiting(answer) => GatherFuture::waiting(answer),
            Added::Full(query) => GatherFuture::own(self.inner.call(*query)),
        }
    }
}

//! Sends each query to the database on its own.

use std::task::{Context, Poll};

use tower_service::Service;

use crate::{Database, Query, QueryError, Rows, future::Answering};

impl Service<Query> for Database {
    type Response = Rows;
    type Error = QueryError;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), QueryError>> {
        // A connection that was reserved here could be what a sibling waits for.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, query: Query) -> Answering {
        let tenant = query.tenant.clone();
        // On the caller's task, which tells the scope.
        let asked = self.ask(vec![query]);
        Answering::new(async move { asked?.stand_alone(tenant).await })
    }
}

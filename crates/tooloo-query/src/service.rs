//! Sends each query to the database on its own.

use std::task::{Context, Poll};

use tower_service::Service;

use crate::{Database, Query, QueryError, Rows, backend::Mode, database::Asked, future::Answering};

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
        let database = self.clone();
        Answering::new(async move {
            let asked = asked?;
            let lease = database.lease(tenant).await;
            let mut session = lease.map_err(|error| asked.blame(error))?;
            if asked.may_write() {
                session.set_writing(Some(database.fence().enter()));
            }
            let mode = Mode {
                in_transaction: false,
                read_only: false,
                max_rows: database.config().max_rows,
            };
            let outcomes = session.run(asked.queries(), mode).await;
            // Before the result is known: whoever has it may read at once.
            session.set_writing(None);
            // Back with the connection first: the caller's next query may want it.
            drop(session);
            only(&asked, outcomes)
        })
    }
}

fn only(asked: &Asked, outcomes: Vec<crate::backend::Outcome>) -> Result<Rows, QueryError> {
    let mut answers = asked.answer(outcomes);
    answers.pop().expect("each query has its answer")
}

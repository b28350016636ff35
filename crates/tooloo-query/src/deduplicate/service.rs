//! Joins a read in flight, or passes the query on.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::state::InFlight;
use crate::{Query, QueryError, Rows, future::DeduplicateFuture};

/// Asks identical reads that are in flight once.
#[derive(Clone, Debug)]
pub struct Deduplicate<S> {
    inner: S,
    in_flight: Arc<InFlight>,
}

impl<S> Deduplicate<S> {
    pub(crate) fn new(inner: S, in_flight: Arc<InFlight>) -> Self {
        Self { inner, in_flight }
    }
}

impl<S> Service<Query> for Deduplicate<S>
where
    S: Service<Query, Response = Rows, Error = QueryError>,
    S::Future: Send + 'static,
{
    type Response = Rows;
    type Error = QueryError;
    type Future = DeduplicateFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), QueryError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, query: Query) -> Self::Future {
        let Some((read, quiet)) = self.in_flight.read(&query) else {
            return DeduplicateFuture::own(self.inner.call(query));
        };
        if let Some(answer) = self.in_flight.join(&read, quiet) {
            // The inner service stays ready: it is not called.
            return DeduplicateFuture::shared(answer);
        }
        let asked = self.inner.call(query);
        let answer = self.in_flight.lead(read, quiet, asked);
        match answer {
            Ok(answer) => DeduplicateFuture::shared(answer),
            Err(asked) => DeduplicateFuture::own(asked),
        }
    }
}

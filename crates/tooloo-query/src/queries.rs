//! Asks a service of queries, in words.

use std::future::poll_fn;

use tower_service::Service;

use crate::{ErrorKind, Query, QueryError, Row, Rows};

/// What can be asked of every service of queries: a [`Database`](crate::Database), with or without layers around it.
///
/// Each call uses a clone of the service.
pub trait Queries: Service<Query, Response = Rows, Error = QueryError> + Clone {
    /// Asks a query.
    fn query(
        &self,
        query: impl Into<Query>,
    ) -> impl Future<Output = Result<Rows, QueryError>> + Send
    where
        Self: Send,
        Self::Future: Send,
    {
        let mut service = self.clone();
        let query = query.into();
        async move {
            poll_fn(|cx| service.poll_ready(cx)).await?;
            service.call(query).await
        }
    }

    /// Asks a query and returns its only row.
    ///
    /// It is an error of kind [`NoRows`](ErrorKind::NoRows) or [`TooManyRows`](ErrorKind::TooManyRows) where there is
    /// none, or more than one.
    fn query_one(
        &self,
        query: impl Into<Query>,
    ) -> impl Future<Output = Result<Row, QueryError>> + Send
    where
        Self: Send,
        Self::Future: Send,
    {
        let rows = self.query(query);
        async { one(&rows.await?) }
    }

    /// Asks a query and returns its only row, where there is one.
    fn query_opt(
        &self,
        query: impl Into<Query>,
    ) -> impl Future<Output = Result<Option<Row>, QueryError>> + Send
    where
        Self: Send,
        Self::Future: Send,
    {
        let rows = self.query(query);
        async { at_most_one(&rows.await?) }
    }

    /// Asks a query and returns how many rows it changed.
    fn execute(
        &self,
        query: impl Into<Query>,
    ) -> impl Future<Output = Result<u64, QueryError>> + Send
    where
        Self: Send,
        Self::Future: Send,
    {
        let rows = self.query(query);
        async { Ok(rows.await?.affected()) }
    }
}

impl<S> Queries for S where S: Service<Query, Response = Rows, Error = QueryError> + Clone {}

pub(crate) fn one(rows: &Rows) -> Result<Row, QueryError> {
    let row = at_most_one(rows)?;
    row.ok_or_else(|| QueryError::new(ErrorKind::NoRows, "there is no row"))
}

pub(crate) fn at_most_one(rows: &Rows) -> Result<Option<Row>, QueryError> {
    if rows.len() > 1 {
        let message = format!("there are {} rows where one is asked for", rows.len());
        return Err(QueryError::new(ErrorKind::TooManyRows, message));
    }
    Ok(rows.first().cloned())
}

//! The databases, behind one face.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::{num::NonZeroUsize, pin::Pin, sync::Arc, time::Duration};

use tooloo_key::Key;
use tooloo_pool::{PoolHandle, Unfinished};

#[cfg(feature = "postgres")]
pub(crate) use self::postgres::Postgres;
#[cfg(feature = "sqlite")]
pub(crate) use self::sqlite::Sqlite;
use crate::{Dialect, Query, QueryError, Rows, fence::Writing, transaction::Begin};

/// Boxed, since a future of one database is no other's type; it costs little beside a statement.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A pool of connections to one database.
pub(crate) trait Backend: Send + Sync {
    fn dialect(&self) -> Dialect;

    fn lease(
        &self,
        tenant: Option<Key>,
        purpose: Purpose,
    ) -> BoxFuture<'_, Result<Box<dyn Session>, QueryError>>;

    fn pool(&self) -> PoolHandle;

    fn warm_up(&self) -> BoxFuture<'_, Result<(), QueryError>>;

    fn resize(&self, min: usize, max: NonZeroUsize);

    fn close(&self, within: Duration) -> BoxFuture<'_, Result<(), Unfinished>>;
}

/// A connection on loan. A future of it that is dropped before it is done has the connection reset when it goes back.
pub(crate) trait Session: Send {
    /// Runs queries in their order, with as few round trips as can be, and answers each.
    ///
    /// After one that fails, none of the following takes effect.
    fn run(&mut self, queries: Arc<[Query]>, mode: Mode) -> BoxFuture<'_, Vec<Outcome>>;

    /// Runs queries that stand on their own, in their order, in one transaction.
    ///
    /// What one that fails did is undone, and the others go on.
    fn batch(&mut self, queries: Arc<[Query]>, terms: Terms) -> BoxFuture<'_, Batched>;

    /// Runs a statement that begins or ends a transaction.
    fn control(&mut self, control: Control) -> BoxFuture<'_, Result<(), QueryError>>;

    /// Runs the statements of a script, which have no parameters.
    fn script(&mut self, sql: Arc<str>) -> BoxFuture<'_, Result<(), QueryError>>;

    /// Notes that a write is under way, until the same is called with none or the connection is reset.
    ///
    /// With none, a writer's turn is over as well: the next one has it.
    fn set_writing(&mut self, writing: Option<Writing>);
}

/// What a connection is leased for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    Read,
    /// Where there is one place for writers, it is waited for first: whoever waits for it holds no connection.
    Write,
}

/// What a run of queries is to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// Whether a transaction is open, so that nothing can be tried again.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "SQLite has nothing to try again")
    )]
    pub(crate) in_transaction: bool,
    #[cfg_attr(
        not(feature = "sqlite"),
        expect(dead_code, reason = "PostgreSQL knows from how the transaction began")
    )]
    pub(crate) read_only: bool,
    pub(crate) max_rows: usize,
}

/// What a batch is to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) max_rows: usize,
    /// How long one of its queries may wait for a lock while the others wait for it.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "SQLite has one lock, which the batch has")
    )]
    pub(crate) lock_wait: Duration,
}

/// What came of a batch.
#[derive(Debug)]
pub(crate) enum Batched {
    /// It is committed, but for those that failed.
    Committed(Vec<Outcome>),
    /// Nothing took effect, for a reason that may be one query's.
    Undone,
    /// No query is answered, for a reason that concerns all of them.
    Failed(QueryError),
}

/// What came of one query, and how long it took.
pub(crate) type Outcome = (Result<Rows, QueryError>, Duration);

#[derive(Clone, Copy, Debug)]
pub(crate) enum Control {
    Begin(Begin),
    Commit,
    Rollback,
}

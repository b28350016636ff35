//! A database, and everything that sees its queries.

mod asked;
mod open;
#[cfg(feature = "postgres")]
mod server_url;

use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use tooloo_key::Key;
use tooloo_pool::{PoolHandle, Unfinished};

pub(crate) use self::asked::Asked;
pub use self::open::InvalidUrl;
use crate::{
    Begin, DatabaseConfig, Dialect, Query, QueryError, QueryHandle, Transaction,
    backend::{Backend, Purpose, Session},
    background::{Background, Job},
    explain::{self, IndexAdvice, Plan},
    fence::Fence,
    monitor::Monitor,
};

/// A database: SQLite or PostgreSQL, behind a pool of connections.
///
/// It is a tower service of [`Query`], to be asked through [`Queries`](crate::Queries); layers go around it. Each
/// statement that it is sent is counted, timed and looked at, whatever is around it. A statement that the service is
/// called with stands on its own; those that belong together go through a [`Transaction`]. Clones share all of it.
#[derive(Clone)]
pub struct Database {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    backend: Box<dyn Backend>,
    config: DatabaseConfig,
    pub(crate) monitor: Arc<Monitor>,
    background: Background,
}

impl Database {
    /// Tells the trace that a query belongs to, for the log of slow queries; called on the query's own task.
    ///
    /// The first one counts.
    #[must_use]
    pub fn with_trace_ids(
        self,
        trace_id: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        let _ = self.inner.monitor.trace_id.set(Box::new(trace_id));
        self
    }

    /// Begins a transaction.
    ///
    /// In SQLite, which has one place for writers, it takes its turn in a line of all that want to write: transactions
    /// that may, scripts, and statements on their own. Whoever waits there holds no connection, and waits for at most
    /// as long, and in a line of at most as many, as the pool's settings say of those who wait for a connection.
    ///
    /// # Errors
    ///
    /// Returns an error where no connection could be had; in SQLite also where other writers are in the way for too
    /// long, which [`is_busy`](QueryError::is_busy).
    pub async fn begin(&self) -> Result<Transaction, QueryError> {
        self.begin_with(Begin::new()).await
    }

    /// Begins a transaction as the settings say.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin) does.
    pub async fn begin_with(&self, begin: Begin) -> Result<Transaction, QueryError> {
        Transaction::begin(self, begin, None).await
    }

    /// Begins a transaction on behalf of a tenant, with a connection of its share.
    ///
    /// # Errors
    ///
    /// As [`begin`](Self::begin) does.
    pub async fn begin_for(&self, tenant: Key, begin: Begin) -> Result<Transaction, QueryError> {
        Transaction::begin(self, begin, Some(tenant)).await
    }

    /// Runs `work` in a transaction: committed where it succeeds, rolled back where it fails, panics or is dropped.
    ///
    /// # Errors
    ///
    /// Returns the error of `work`, or why the transaction could not begin or commit. Nothing is tried again: a
    /// caller that may do so asks [`QueryError::is_retryable`].
    pub async fn transaction<T, E: From<QueryError>>(
        &self,
        work: impl AsyncFnOnce(&mut Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut transaction = self.begin().await?;
        let done = work(&mut transaction).await;
        match done {
            Ok(done) => {
                transaction.commit().await?;
                Ok(done)
            }
            Err(error) => {
                // Should this fail, the pool does it again.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }

    /// Runs a script of statements without parameters, outside of any transaction.
    pub async fn script(&self, sql: impl Into<Arc<str>>) -> Result<(), QueryError> {
        let mut session = self.lease(None, Purpose::Write).await?;
        session.set_writing(Some(self.fence().enter()));
        let result = session.script(sql.into()).await;
        session.set_writing(None);
        result
    }

    /// Returns how the database would answer a query, without asking it.
    pub async fn explain(&self, query: &Query) -> Result<Plan, QueryError> {
        explain::explain(self, query).await
    }

    /// Names indexes that would keep a query from reading large tables whole.
    ///
    /// None, where a plan reads no table whole under a filter that compares a bare column, or where the table has
    /// fewer rows than [`with_advice_from`](DatabaseConfig::with_advice_from).
    pub async fn advise(&self, query: &Query) -> Result<Vec<IndexAdvice>, QueryError> {
        let plan = self.explain(query).await?;
        explain::advise(self, query, &plan).await
    }

    /// Returns which kind of database it is.
    pub fn dialect(&self) -> Dialect {
        self.inner.backend.dialect()
    }

    /// Returns a read-only view of its queries.
    pub fn handle(&self) -> QueryHandle {
        QueryHandle::new(Arc::clone(&self.inner.monitor))
    }

    /// Returns a read-only view of its pool.
    pub fn pool(&self) -> PoolHandle {
        self.inner.backend.pool()
    }

    /// Makes the pool's least number of connections, and waits until they are there.
    ///
    /// # Errors
    ///
    /// Returns an error where that takes too long; the pool goes on trying.
    pub async fn warm_up(&self) -> Result<(), QueryError> {
        self.inner.backend.warm_up().await
    }

    /// Changes how many connections there are to be.
    pub fn resize(&self, min: usize, max: NonZeroUsize) {
        self.inner.backend.resize(min, max);
    }

    /// Turns away all further queries, and waits until every connection is closed.
    ///
    /// # Errors
    ///
    /// Returns an error where that takes longer than `within`.
    pub async fn close(&self, within: Duration) -> Result<(), Unfinished> {
        self.inner.backend.close(within).await
    }

    pub(crate) fn config(&self) -> &DatabaseConfig {
        &self.inner.config
    }

    pub(crate) fn fence(&self) -> &Arc<Fence> {
        &self.inner.monitor.fence
    }

    pub(crate) async fn lease(
        &self,
        tenant: Option<Key>,
        purpose: Purpose,
    ) -> Result<Box<dyn Session>, QueryError> {
        self.inner.backend.lease(tenant, purpose).await
    }

    /// Looks at queries that are about to be sent.
    ///
    /// # Errors
    ///
    /// Returns an error where one of them must not be.
    pub(crate) fn ask(&self, queries: Vec<Query>) -> Result<Asked, QueryError> {
        Asked::new(self, queries)
    }

    /// Leaves work to the background; where there is too much of it already, it is not done.
    pub(crate) fn later(&self, job: Job) {
        self.inner.background.send(&self.inner, job);
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("dialect", &self.dialect())
            .field("pool", &self.pool())
            .finish_non_exhaustive()
    }
}

//! PostgreSQL: statements are prepared once a connection, and travel together where they may.

mod batch;
mod bind;
mod classify;
mod numeric;
mod read;
mod run;
mod statements;
mod time;

use std::{num::NonZeroUsize, sync::Arc, task, time::Duration};

use tooloo_key::Key;
use tooloo_pool::{
    Connection, Lease, Pool, PoolConfig, PoolHandle, Unfinished,
    postgres::{PostgresConnection, PostgresConnector, PostgresError},
};
use tower_service::Service;

use self::{classify::query_error, statements::Statements};
use super::{Backend, Batched, BoxFuture, Control, Mode, Outcome, Purpose, Session, Terms};
use crate::{Dialect, Isolation, Query, QueryError, fence::Writing, transaction::Begin};

/// A pool of connections to a server.
pub(crate) struct Postgres {
    pool: Pool<Connected>,
}

/// Opens connections that keep their prepared statements, and remember a write under way.
#[derive(Clone)]
struct Connector {
    inner: PostgresConnector,
    statements: usize,
}

/// A connection with its prepared statements.
struct Connected {
    inner: PostgresConnection,
    statements: Statements,
    // Until it has ended or was undone.
    writing: Option<Writing>,
}

impl Postgres {
    pub(crate) fn new(connector: PostgresConnector, pool: PoolConfig, statements: usize) -> Self {
        let connector = Connector {
            inner: connector,
            statements,
        };
        Self {
            pool: Pool::new(connector, pool),
        }
    }
}

impl Backend for Postgres {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn lease(
        &self,
        tenant: Option<Key>,
        _: Purpose,
    ) -> BoxFuture<'_, Result<Box<dyn Session>, QueryError>> {
        Box::pin(async move {
            let lease = match tenant {
                Some(tenant) => self.pool.get_for(tenant).await?,
                None => self.pool.get().await?,
            };
            Ok(Box::new(lease) as _)
        })
    }

    fn pool(&self) -> PoolHandle {
        self.pool.handle()
    }

    fn warm_up(&self) -> BoxFuture<'_, Result<(), QueryError>> {
        Box::pin(async { Ok(self.pool.warm_up().await?) })
    }

    fn resize(&self, min: usize, max: NonZeroUsize) {
        self.pool.resize(min, max);
    }

    fn close(&self, within: Duration) -> BoxFuture<'_, Result<(), Unfinished>> {
        Box::pin(self.pool.close(within))
    }
}

impl Session for Lease<Connected> {
    fn run(&mut self, queries: Arc<[Query]>, mode: Mode) -> BoxFuture<'_, Vec<Outcome>> {
        Box::pin(async move {
            let Connected {
                inner, statements, ..
            } = &mut **self;
            let session = inner.session();
            let outcomes = run::run(&session, statements, &queries, mode).await;
            // Rows that were not read are still on their way.
            let unread = outcomes
                .iter()
                .any(|(result, _)| result.as_ref().is_err_and(run::leaves_rows));
            if !unread {
                session.finish();
            }
            outcomes
        })
    }

    fn batch(&mut self, queries: Arc<[Query]>, terms: Terms) -> BoxFuture<'_, Batched> {
        Box::pin(async move {
            let Connected {
                inner, statements, ..
            } = &mut **self;
            let session = inner.session();
            let batched = batch::batch(&session, statements, &queries, terms).await;
            // The last word was about its end: all before was read, and no transaction is open.
            if !matches!(batched, Batched::Failed(_)) {
                session.finish();
            }
            batched
        })
    }

    fn control(&mut self, control: Control) -> BoxFuture<'_, Result<(), QueryError>> {
        let sql = match control {
            Control::Begin(begin) => self::begin(begin),
            Control::Commit => "COMMIT".to_owned(),
            Control::Rollback => "ROLLBACK".to_owned(),
        };
        self.script(sql.into())
    }

    fn script(&mut self, sql: Arc<str>) -> BoxFuture<'_, Result<(), QueryError>> {
        Box::pin(async move {
            let session = self.inner.session();
            let result = session.batch_execute(&sql).await;
            session.finish();
            result.map_err(query_error)
        })
    }

    fn set_writing(&mut self, writing: Option<Writing>) {
        self.writing = writing;
    }
}

fn begin(begin: Begin) -> String {
    let mut sql = "BEGIN".to_owned();
    match begin.isolation {
        None => {}
        Some(Isolation::ReadCommitted) => sql.push_str(" ISOLATION LEVEL READ COMMITTED"),
        Some(Isolation::RepeatableRead) => sql.push_str(" ISOLATION LEVEL REPEATABLE READ"),
        Some(Isolation::Serializable) => sql.push_str(" ISOLATION LEVEL SERIALIZABLE"),
    }
    if begin.read_only {
        sql.push_str(" READ ONLY");
    }
    sql
}

impl Connection for Connected {
    type Error = PostgresError;

    async fn check(&mut self) -> Result<(), PostgresError> {
        self.inner.check().await
    }

    async fn reset(&mut self) -> Result<(), PostgresError> {
        self.inner.reset().await?;
        self.writing = None;
        Ok(())
    }

    async fn close(self) {
        let Self {
            inner,
            statements,
            writing,
        } = self;
        drop(statements);
        inner.close().await;
        drop(writing);
    }

    fn is_dirty(&self) -> bool {
        self.writing.is_some() || self.inner.is_dirty()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

impl Service<()> for Connector {
    type Response = Connected;
    type Error = PostgresError;
    // Boxed, since connecting is rare.
    type Future = BoxFuture<'static, Result<Connected, PostgresError>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> task::Poll<Result<(), PostgresError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let connecting = self.inner.call(());
        let statements = Statements::new(self.statements);
        Box::pin(async move {
            Ok(Connected {
                inner: connecting.await?,
                statements,
                writing: None,
            })
        })
    }
}

//! SQLite: a statement runs on its connection's thread.

mod batch;
mod classify;
mod run;

use std::{num::NonZeroUsize, sync::Arc, task, time::Duration};

use tooloo_key::Key;
use tooloo_pool::{
    Connection, Lease, Pool, PoolConfig, PoolHandle, Unfinished,
    sqlite::{SqliteConnection, SqliteConnector, SqliteError},
};
use tower_service::Service;

use self::{batch::batch, classify::query_error, run::run};
use super::{Backend, Batched, BoxFuture, Control, Mode, Outcome, Purpose, Session, Terms};
use crate::{
    Dialect, Query, QueryError,
    fence::Writing,
    writers::{Turn, Writers},
};

/// A pool of connections to a file, and the line of those who want to write to it.
///
/// SQLite itself has waiting writers sleep and try again, and whoever tries at the right moment comes first; here that
/// happens only where another process writes.
pub(crate) struct Sqlite {
    pool: Pool<Connected>,
    writers: Writers,
}

/// Opens connections that remember a write under way.
#[derive(Clone)]
struct Connector {
    inner: SqliteConnector,
    statements: usize,
}

/// A connection that remembers a write under way and a writer's turn, until it has ended or was undone.
struct Connected {
    inner: SqliteConnection,
    writing: Option<Writing>,
    turn: Option<Turn>,
}

impl Sqlite {
    pub(crate) fn new(connector: SqliteConnector, pool: PoolConfig, statements: usize) -> Self {
        let connector = Connector {
            inner: connector,
            statements,
        };
        Self {
            writers: Writers::new(pool.max_waiting(), pool.times().acquire),
            pool: Pool::new(connector, pool),
        }
    }
}

impl Backend for Sqlite {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn lease(
        &self,
        tenant: Option<Key>,
        purpose: Purpose,
    ) -> BoxFuture<'_, Result<Box<dyn Session>, QueryError>> {
        Box::pin(async move {
            let turn = match purpose {
                Purpose::Read => None,
                Purpose::Write => self.writers.turn().await?,
            };
            let mut lease = match tenant {
                Some(tenant) => self.pool.get_for(tenant).await?,
                None => self.pool.get().await?,
            };
            lease.turn = turn;
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
        self.writers.close();
        Box::pin(self.pool.close(within))
    }
}

impl Session for Lease<Connected> {
    fn run(&mut self, queries: Arc<[Query]>, mode: Mode) -> BoxFuture<'_, Vec<Outcome>> {
        Box::pin(async move {
            let count = queries.len();
            let work = move |sqlite: &mut rusqlite::Connection| Ok(run(sqlite, &queries, mode));
            match self.inner.run(work).await {
                Ok(outcomes) => outcomes,
                Err(error) => {
                    let error = query_error(error);
                    vec![(Err(error), Duration::ZERO); count]
                }
            }
        })
    }

    fn batch(&mut self, queries: Arc<[Query]>, terms: Terms) -> BoxFuture<'_, Batched> {
        Box::pin(async move {
            let work = move |sqlite: &mut rusqlite::Connection| Ok(batch(sqlite, &queries, terms));
            let batched = self.inner.run(work).await;
            batched.unwrap_or_else(|error| Batched::Failed(query_error(error)))
        })
    }

    fn control(&mut self, control: Control) -> BoxFuture<'_, Result<(), QueryError>> {
        let sql = match control {
            // A reader takes its view of the data with its first read.
            Control::Begin(begin) if begin.read_only => "BEGIN",
            Control::Begin(_) => "BEGIN IMMEDIATE",
            Control::Commit => "COMMIT",
            Control::Rollback => "ROLLBACK",
        };
        Box::pin(async move {
            let work = move |sqlite: &mut rusqlite::Connection| sqlite.execute_batch(sql);
            self.inner.run(work).await.map_err(query_error)
        })
    }

    fn script(&mut self, sql: Arc<str>) -> BoxFuture<'_, Result<(), QueryError>> {
        Box::pin(async move {
            let work = move |sqlite: &mut rusqlite::Connection| sqlite.execute_batch(&sql);
            self.inner.run(work).await.map_err(query_error)
        })
    }

    fn set_writing(&mut self, writing: Option<Writing>) {
        if writing.is_none() {
            self.turn = None;
        }
        self.writing = writing;
    }
}

impl Connection for Connected {
    type Error = SqliteError;

    async fn check(&mut self) -> Result<(), SqliteError> {
        self.inner.check().await
    }

    async fn reset(&mut self) -> Result<(), SqliteError> {
        self.inner.reset().await?;
        self.writing = None;
        self.turn = None;
        Ok(())
    }

    async fn close(self) {
        let Self {
            inner,
            writing,
            turn,
        } = self;
        inner.close().await;
        drop((writing, turn));
    }

    fn is_dirty(&self) -> bool {
        self.writing.is_some() || self.turn.is_some() || self.inner.is_dirty()
    }

    fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }
}

impl Service<()> for Connector {
    type Response = Connected;
    type Error = SqliteError;
    // Boxed, since connecting is rare.
    type Future = BoxFuture<'static, Result<Connected, SqliteError>>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> task::Poll<Result<(), SqliteError>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let connecting = self.inner.call(());
        let statements = self.statements;
        Box::pin(async move {
            let mut inner = connecting.await?;
            let prepare = move |sqlite: &mut rusqlite::Connection| {
                sqlite.set_prepared_statement_cache_capacity(statements);
                Ok(())
            };
            inner.run(prepare).await?;
            Ok(Connected {
                inner,
                writing: None,
                turn: None,
            })
        })
    }
}

//! Statements that take effect together, or not at all.

use std::{fmt, sync::Arc, thread, time::Duration};

use tokio::{runtime::Handle, time::timeout};
use tooloo_key::Key;

use crate::{
    Database, Dialect, ErrorKind, Query, QueryError, Row, Rows,
    backend::{Control, Mode, Purpose, Session},
    fence::Fence,
    queries,
};

/// How a transaction begins.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[must_use = "settings do nothing until a transaction begins with them"]
pub struct Begin {
    pub(crate) read_only: bool,
    pub(crate) isolation: Option<Isolation>,
}

/// How far a transaction is kept apart from others; in SQLite all of them are serializable.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Isolation {
    /// Each statement sees what was committed before it.
    ReadCommitted,
    /// All statements see what was committed before the first.
    RepeatableRead,
    /// As though there were no others.
    Serializable,
}

/// How long the end of a transaction that only read may take before its connection is reset.
const END: Duration = Duration::from_secs(1);

/// An open transaction; dropped, it is rolled back before anybody else has its connection.
///
/// One that was to read only may well be dropped: nobody waits for its end, and the pool finds nothing left behind.
///
/// A statement that fails leaves nothing but the rollback: whatever follows is refused as
/// [`Aborted`](ErrorKind::Aborted), in both databases. No layer merges a transaction's queries with others.
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Transaction {
    database: Database,
    // None once it is dropped.
    session: Option<Box<dyn Session>>,
    begin: Begin,
    wrote: bool,
    // Also while a statement is under way.
    aborted: bool,
    // Also while its end is under way.
    ended: bool,
}

impl Begin {
    /// Begins as the database does: for reading and writing. In SQLite the one place of a writer is taken at once, so
    /// that no statement further down finds it taken.
    pub fn new() -> Self {
        Self::default()
    }

    /// Refuses statements that write; in SQLite readers do not keep a writer waiting.
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    /// Keeps the transaction apart from others this far, rather than as the server's settings say.
    pub fn isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = Some(isolation);
        self
    }
}

impl Transaction {
    pub(crate) async fn begin(
        database: &Database,
        begin: Begin,
        tenant: Option<Key>,
    ) -> Result<Self, QueryError> {
        let purpose = if begin.read_only {
            Purpose::Read
        } else {
            Purpose::Write
        };
        let mut session = database.lease(tenant, purpose).await?;
        session.control(Control::Begin(begin)).await?;
        Ok(Self {
            database: database.clone(),
            session: Some(session),
            begin,
            wrote: false,
            aborted: false,
            ended: false,
        })
    }

    /// Runs a query.
    #[expect(clippy::missing_panics_doc, reason = "each query has its answer")]
    pub async fn query(&mut self, query: impl Into<Query>) -> Result<Rows, QueryError> {
        let mut answers = self.run(vec![query.into()]).await?;
        answers.pop().expect("each query has its answer")
    }

    /// Runs queries in their order without waiting for each other's answers, and answers each.
    ///
    /// In PostgreSQL they travel together (pipelined), in SQLite they are one piece of work for its thread. Those
    /// after one that fails are refused.
    ///
    /// # Errors
    ///
    /// Returns an error where none of them was run.
    pub async fn query_all(
        &mut self,
        queries: impl IntoIterator<Item = Query>,
    ) -> Result<Vec<Result<Rows, QueryError>>, QueryError> {
        self.run(queries.into_iter().collect()).await
    }

    /// Runs a query and returns its only row.
    ///
    /// # Errors
    ///
    /// Returns an error where there is none, or more than one.
    pub async fn query_one(&mut self, query: impl Into<Query>) -> Result<Row, QueryError> {
        queries::one(&self.query(query).await?)
    }

    /// Runs a query and returns its only row, where there is one.
    ///
    /// # Errors
    ///
    /// Returns an error where there is more than one.
    pub async fn query_opt(&mut self, query: impl Into<Query>) -> Result<Option<Row>, QueryError> {
        queries::at_most_one(&self.query(query).await?)
    }

    /// Runs a query and returns how many rows it changed.
    pub async fn execute(&mut self, query: impl Into<Query>) -> Result<u64, QueryError> {
        Ok(self.query(query).await?.affected())
    }

    /// Runs a script of statements without parameters, such as a migration; none of them may end the transaction.
    pub async fn script(&mut self, sql: impl Into<Arc<str>>) -> Result<(), QueryError> {
        self.check()?;
        if self.begin.read_only {
            let error = "a script in a read-only transaction";
            return Err(QueryError::new(ErrorKind::Statement, error));
        }
        self.wrote = true;
        // Until it has ended well.
        self.aborted = true;
        self.session().script(sql.into()).await?;
        self.aborted = false;
        Ok(())
    }

    /// Returns which kind of database it is in.
    pub fn dialect(&self) -> Dialect {
        self.database.dialect()
    }

    /// Makes all of it take effect.
    ///
    /// Dropped before it is done, whether it does is unknown.
    ///
    /// # Errors
    ///
    /// Returns an error, and rolls back, where a statement failed before.
    pub async fn commit(mut self) -> Result<(), QueryError> {
        self.check()?;
        if self.wrote {
            let writing = Fence::enter(self.database.fence());
            self.session().set_writing(Some(writing));
        }
        self.end(Control::Commit).await
    }

    /// Undoes all of it, and waits until that is done.
    pub async fn rollback(mut self) -> Result<(), QueryError> {
        self.end(Control::Rollback).await
    }

    async fn end(&mut self, control: Control) -> Result<(), QueryError> {
        self.ended = true;
        self.session().control(control).await?;
        self.session().set_writing(None);
        Ok(())
    }

    async fn run(
        &mut self,
        queries: Vec<Query>,
    ) -> Result<Vec<Result<Rows, QueryError>>, QueryError> {
        self.check()?;
        let asked = self.database.ask(queries)?;
        self.wrote |= asked.may_write();
        // Until they have ended well.
        self.aborted = true;
        let mode = Mode {
            in_transaction: true,
            read_only: self.begin.read_only,
            max_rows: self.database.config().max_rows,
        };
        let outcomes = self.session().run(Arc::clone(asked.queries()), mode).await;
        let answers = asked.answer(outcomes);
        self.aborted = answers.iter().any(Result::is_err);
        Ok(answers)
    }

    fn session(&mut self) -> &mut dyn Session {
        let session = self.session.as_deref_mut();
        session.expect("a transaction has its session until it is dropped")
    }

    fn check(&self) -> Result<(), QueryError> {
        if self.aborted {
            let message = "an earlier statement of the transaction failed";
            return Err(QueryError::new(ErrorKind::Aborted, message));
        }
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let only_read = self.begin.read_only && !self.aborted && !self.ended;
        if !only_read || thread::panicking() {
            return;
        }
        if let (Some(mut session), Ok(runtime)) = (self.session.take(), Handle::try_current()) {
            runtime.spawn(async move {
                // Should this fail, the pool does it again.
                let _ = timeout(END, session.control(Control::Rollback)).await;
            });
        }
    }
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("begin", &self.begin)
            .field("aborted", &self.aborted)
            .finish_non_exhaustive()
    }
}

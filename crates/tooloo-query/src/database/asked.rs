//! Queries on their way to the database and back.

use std::sync::Arc;

use tooloo_key::Key;

use super::Database;
use crate::{
    ErrorKind, Query, QueryError, QueryScope, Rows,
    backend::{Mode, Outcome, Purpose},
    background::Job,
    future::Answer,
    monitor::Known,
    statement::{Effect, Verb},
};

/// Queries that may be sent, with what is known of each.
pub(crate) struct Asked {
    database: Database,
    queries: Arc<[Query]>,
    known: Vec<Arc<Known>>,
}

impl Asked {
    pub(super) fn new(database: &Database, queries: Vec<Query>) -> Result<Self, QueryError> {
        let known = queries.iter().map(|query| admit(database, query));
        let known = known.collect::<Result<_, _>>()?;
        Ok(Self {
            database: database.clone(),
            queries: queries.into(),
            known,
        })
    }

    pub(crate) fn queries(&self) -> &Arc<[Query]> {
        &self.queries
    }

    /// Returns whether one of them may change something.
    pub(crate) fn may_write(&self) -> bool {
        let mut effects = self.known.iter().map(|known| known.statement.effect);
        effects.any(|effect| effect != Effect::None)
    }

    /// Tells what a connection for them is to be leased for.
    pub(crate) fn purpose(&self) -> Purpose {
        let mut verbs = self.known.iter().map(|known| known.statement.verb);
        if verbs.all(|verb| verb == Verb::Read) {
            Purpose::Read
        } else {
            Purpose::Write
        }
    }

    /// Names the query that an error is about.
    pub(crate) fn blame(&self, error: QueryError) -> QueryError {
        match (self.queries.first(), self.known.first()) {
            (Some(query), Some(known)) => {
                error.with_query(&known.statement.fingerprint, query.place)
            }
            _ => error,
        }
    }

    /// Sends the one query there is on its own.
    pub(crate) async fn stand_alone(self, tenant: Option<Key>) -> Answer {
        let database = &self.database;
        let lease = database.lease(tenant, self.purpose()).await;
        let mut session = lease.map_err(|error| self.blame(error))?;
        if self.may_write() {
            session.set_writing(Some(database.fence().enter()));
        }
        let mode = Mode {
            in_transaction: false,
            read_only: false,
            max_rows: database.config().max_rows,
        };
        let mut outcomes = session.run(Arc::clone(&self.queries), mode).await;
        // Before the result is known: whoever has it may read at once.
        session.set_writing(None);
        // Back with the connection first: the caller's next query may want it.
        drop(session);
        self.answer_one(outcomes.pop().expect("each query has its answer"))
    }

    /// Takes note of what came of the one query there is, and returns it.
    pub(crate) fn answer_one(&self, outcome: Outcome) -> Answer {
        let mut answers = self.answer(vec![outcome]);
        answers.pop().expect("each query has its answer")
    }

    /// Takes note of what came of them, and returns it.
    pub(crate) fn answer(&self, outcomes: Vec<Outcome>) -> Vec<Result<Rows, QueryError>> {
        let asked = self.queries.iter().zip(&self.known);
        asked
            .zip(outcomes)
            .map(|((query, known), (result, took))| {
                let sent = |error: &QueryError| error.kind() != ErrorKind::Aborted;
                if result.as_ref().err().is_none_or(sent) {
                    let slow = self.database.inner.monitor.record(query, known, took);
                    if let Some(slow) = slow {
                        self.database.later(Job::Explain {
                            query: query.clone(),
                            known: Arc::clone(known),
                            slow,
                        });
                    }
                }
                result.map_err(|error| error.with_query(&known.statement.fingerprint, query.place))
            })
            .collect()
    }
}

fn admit(database: &Database, query: &Query) -> Result<Arc<Known>, QueryError> {
    let monitor = &database.inner.monitor;
    let (known, new) = monitor.known(query);
    if new {
        database.later(Job::Analyse(Arc::clone(&known)));
    }
    let refuse = |kind, message: &str| {
        let error = QueryError::new(kind, message);
        Err(error.with_query(&known.statement.fingerprint, query.place))
    };
    if known.statement.effect == Effect::Transaction {
        let message = "transactions begin and end by the methods of Database and Transaction";
        return refuse(ErrorKind::Statement, message);
    }
    let scope = query.scope.clone().or_else(QueryScope::current);
    if let Some(scope) = scope
        && !monitor.admit(&scope, &known, query.place)
    {
        let message = "the request has spent its budget of queries";
        return refuse(ErrorKind::OverBudget, message);
    }
    Ok(known)
}

//! Queries on their way to the database and back.

use std::sync::Arc;

use super::Database;
use crate::{
    ErrorKind, Query, QueryError, QueryScope, Rows, backend::Outcome, background::Job,
    monitor::Known, statement::Effect,
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

    pub(crate) fn queries(&self) -> Arc<[Query]> {
        Arc::clone(&self.queries)
    }

    /// Returns whether one of them may change something.
    pub(crate) fn may_write(&self) -> bool {
        let mut effects = self.known.iter().map(|known| known.statement.effect);
        effects.any(|effect| effect != Effect::None)
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

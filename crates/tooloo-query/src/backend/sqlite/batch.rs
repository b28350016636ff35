//! Runs queries that stand on their own in one transaction, on a connection's own thread.

use rusqlite::Connection;

use super::{classify::sqlite_error, run::answer};
use crate::{
    ErrorKind, Query, QueryError,
    backend::{Batched, Mode, Outcome, Terms},
};

/// Runs queries in one transaction, each in a savepoint.
pub(super) fn batch(sqlite: &Connection, queries: &[Query], terms: Terms) -> Batched {
    let begun = sqlite.execute_batch("BEGIN IMMEDIATE");
    if let Err(error) = begun {
        return Batched::Failed(sqlite_error(error));
    }
    let committed = each(sqlite, queries, terms).map(|outcomes| {
        let outcomes = outcomes?;
        // What was deferred until now may fail it.
        sqlite.execute_batch("COMMIT").ok().map(|()| outcomes)
    });
    let undone = sqlite.is_autocommit() || sqlite.execute_batch("ROLLBACK").is_ok();
    match committed {
        Ok(Some(outcomes)) => Batched::Committed(outcomes),
        Ok(None) if undone => Batched::Undone,
        Ok(None) => {
            let message = "the transaction could not be undone";
            Batched::Failed(QueryError::new(ErrorKind::Connection, message))
        }
        Err(error) => Batched::Failed(sqlite_error(error)),
    }
}

/// Answers each; `None` where one of them, such as by a trigger, ended the transaction for all.
fn each(
    sqlite: &Connection,
    queries: &[Query],
    terms: Terms,
) -> rusqlite::Result<Option<Vec<Outcome>>> {
    let mode = Mode {
        in_transaction: true,
        read_only: false,
        max_rows: terms.max_rows,
    };
    let control = |sql| sqlite.prepare_cached(sql)?.execute(()).map(drop);
    let mut outcomes = Vec::with_capacity(queries.len());
    for query in queries {
        control("SAVEPOINT one")?;
        let start = tooloo_clock::now();
        let result = answer(sqlite, query, mode);
        let took = start.elapsed();
        if sqlite.is_autocommit() {
            return Ok(None);
        }
        if result.as_ref().is_err_and(is_undone) {
            control("ROLLBACK TO one")?;
        }
        control("RELEASE one")?;
        outcomes.push((result, took));
    }
    Ok(Some(outcomes))
}

/// Says whether a statement on its own would have changed nothing; one of whose rows there were too many has.
fn is_undone(error: &QueryError) -> bool {
    error.kind() != ErrorKind::TooManyRows
}

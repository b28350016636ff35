//! Runs queries on a client: prepares what is new, then sends all of them before it waits for any.

use std::{pin::pin, sync::Arc, time::Duration};

use futures_util::{TryStreamExt, future::join_all};
use tokio_postgres::{Client, Error, Statement, error::SqlState};

use super::{bind::Bound, classify::query_error, read::Cell, statements::Statements};
use crate::{
    ErrorKind, Query, QueryError, Rows, Value,
    backend::{Mode, Outcome},
};

/// Why a query failed, as far as it matters here.
pub(super) enum Failure {
    /// The server no longer takes the prepared statement; it has not begun to run it.
    Stale(Error),
    Other(QueryError),
}

/// Runs queries; those after one that fails are answered with a refusal.
pub(super) async fn run(
    client: &Client,
    statements: &mut Statements,
    queries: &[Query],
    mode: Mode,
) -> Vec<Outcome> {
    if let [query] = queries {
        return vec![run_one(client, statements, query, mode).await];
    }
    let start = tooloo_clock::now();
    let prepared = prepare_all(client, statements, queries).await;
    if let Some(failed) = prepared.iter().position(Result::is_err) {
        // The server takes no more of this transaction, nor of any query on its own that stood in line behind it.
        let outcome = |(place, prepared): (usize, Result<_, _>)| match prepared {
            Err(error) if place == failed => (Err(error), start.elapsed()),
            _ => (Err(aborted()), Duration::ZERO),
        };
        return prepared.into_iter().enumerate().map(outcome).collect();
    }
    let answers = queries
        .iter()
        .zip(&prepared)
        .map(async |(query, prepared)| {
            let start = tooloo_clock::now();
            let statement = prepared.as_ref().expect("a failure was answered above");
            let answer = answer(client, statement, query, mode.max_rows).await;
            (answer, start.elapsed())
        });
    let answers = join_all(answers).await;
    let mut failed = false;
    let outcome = |(query, (answer, took)): (&Query, (Result<Rows, Failure>, Duration))| {
        if failed {
            return (Err(aborted()), Duration::ZERO);
        }
        failed = answer.is_err();
        if let Err(Failure::Stale(_)) = answer {
            statements.remove(query.text());
        }
        (answer.map_err(Failure::into_error), took)
    };
    queries.iter().zip(answers).map(outcome).collect()
}

async fn run_one(
    client: &Client,
    statements: &mut Statements,
    query: &Query,
    mode: Mode,
) -> Outcome {
    let start = tooloo_clock::now();
    let result = async {
        let statement = prepare(client, statements, query).await?;
        let answered = answer(client, &statement, query, mode.max_rows).await;
        let Err(Failure::Stale(error)) = answered else {
            return answered.map_err(Failure::into_error);
        };
        statements.remove(query.text());
        if mode.in_transaction {
            return Err(query_error(error));
        }
        let statement = prepare(client, statements, query).await?;
        let answered = answer(client, &statement, query, mode.max_rows).await;
        answered.map_err(Failure::into_error)
    };
    let result = result.await;
    (result, start.elapsed())
}

async fn prepare(
    client: &Client,
    statements: &mut Statements,
    query: &Query,
) -> Result<Statement, QueryError> {
    if let Some(statement) = statements.get(query.text()) {
        return Ok(statement);
    }
    let statement = client.prepare(query.text()).await.map_err(query_error)?;
    statements.insert(&query.text, statement.clone());
    Ok(statement)
}

/// Prepares the statements of all queries; a text that occurs several times is prepared once.
pub(super) async fn prepare_all(
    client: &Client,
    statements: &mut Statements,
    queries: &[Query],
) -> Vec<Result<Statement, QueryError>> {
    let mut unknown: Vec<&Query> = Vec::new();
    for query in queries {
        let listed = unknown.iter().any(|other| other.text() == query.text());
        if !listed && statements.get(query.text()).is_none() {
            unknown.push(query);
        }
    }
    let preparing = unknown.iter().map(|query| client.prepare(query.text()));
    let prepared = join_all(preparing).await;
    let fresh: Vec<_> = unknown
        .iter()
        .zip(prepared)
        .map(|(query, prepared)| (*query, prepared.map_err(query_error)))
        .collect();
    let find = |query: &Query| {
        let fresh = fresh.iter().find(|(other, _)| other.text() == query.text());
        if let Some((_, prepared)) = fresh {
            return prepared.clone();
        }
        Ok(statements
            .get(query.text())
            .expect("what is not new is known"))
    };
    let all = queries.iter().map(find).collect();
    for (query, prepared) in fresh {
        if let Ok(statement) = prepared {
            statements.insert(&query.text, statement);
        }
    }
    all
}

pub(super) async fn answer(
    client: &Client,
    statement: &Statement,
    query: &Query,
    max_rows: usize,
) -> Result<Rows, Failure> {
    let (expected, given) = (statement.params().len(), query.parameters().len());
    if expected != given {
        let message = format!("{given} values for {expected} parameters");
        let error = QueryError::new(ErrorKind::Parameter, message);
        return Err(Failure::Other(error));
    }
    let parameters = query.parameters().iter().map(Bound);
    let stream = client.query_raw(statement, parameters).await;
    let mut stream = pin!(stream.map_err(Failure::of)?);
    let columns = statement.columns().iter();
    let columns: Arc<[Arc<str>]> = columns.map(|column| column.name().into()).collect();
    let mut values = Vec::new();
    while let Some(row) = stream.try_next().await.map_err(Failure::of)? {
        if values.len() == max_rows {
            let message = format!("more than {max_rows} rows");
            return Err(Failure::Other(QueryError::new(
                ErrorKind::TooManyRows,
                message,
            )));
        }
        let row: Result<Vec<Value>, Error> = (0..columns.len())
            .map(|place| row.try_get::<_, Cell>(place).map(|cell| cell.0))
            .collect();
        values.push(row.map_err(|error| Failure::Other(query_error(error)))?);
    }
    let affected = stream.rows_affected().unwrap_or(0);
    let affected = if columns.is_empty() || returns(query.text()) {
        affected
    } else {
        0
    };
    Ok(Rows::new(columns, values, affected))
}

/// Says whether a statement with columns changes rows; the server counts those that a `SELECT` returns as well.
fn returns(text: &str) -> bool {
    let mut words = text.split(|part: char| !part.is_ascii_alphabetic());
    let first = words.by_ref().find(|word| !word.is_empty()).unwrap_or("");
    let reads = ["SELECT", "VALUES", "TABLE", "SHOW", "EXPLAIN", "FETCH"];
    !reads.iter().any(|read| first.eq_ignore_ascii_case(read))
        && words.any(|word| word.eq_ignore_ascii_case("RETURNING"))
}

/// Says whether rows that belong to a failed query may still be on their way.
pub(super) fn leaves_rows(error: &QueryError) -> bool {
    matches!(error.kind(), ErrorKind::TooManyRows | ErrorKind::Column)
}

pub(super) fn aborted() -> QueryError {
    QueryError::new(
        ErrorKind::Aborted,
        "another statement of the transaction failed",
    )
}

impl Failure {
    fn of(error: Error) -> Self {
        let stale = error.as_db_error().is_some_and(|error| {
            *error.code() == SqlState::INVALID_SQL_STATEMENT_NAME
                || (*error.code() == SqlState::FEATURE_NOT_SUPPORTED
                    && error.routine() == Some("RevalidateCachedQuery"))
        });
        if stale {
            Self::Stale(error)
        } else {
            Self::Other(query_error(error))
        }
    }

    pub(super) fn into_error(self) -> QueryError {
        match self {
            Self::Stale(error) => query_error(error),
            Self::Other(error) => error,
        }
    }
}

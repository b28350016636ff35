//! Runs queries that stand on their own in one transaction, and sends as many of them together as can be.

use std::time::Duration;

use futures_util::future::{join, join_all};
use tokio_postgres::{Client, Statement};

use super::{
    classify::query_error,
    run::{Failure, aborted, answer, prepare_all},
    statements::Statements,
};
use crate::{
    ErrorKind, Query, QueryError, Rows,
    backend::{Batched, Outcome, Terms},
};

/// Parts a query from the next: from here on, what comes before can no longer be undone by itself.
const NEXT: &str = "RELEASE SAVEPOINT one; SAVEPOINT one";

/// Undoes the query that failed; the savepoint stays.
const UNDO: &str = "ROLLBACK TO SAVEPOINT one";

/// Commits; where the last query failed it is undone, and else there is nothing to undo.
const COMMIT: &str = "ROLLBACK TO SAVEPOINT one; COMMIT";

/// Why a transaction was not committed.
enum Ended {
    Failed(QueryError),
    Undone,
}

/// A query that the server has prepared, and its place among all.
type Prepared<'a> = (usize, &'a Query, Statement);

/// Runs queries in one transaction, each in a savepoint.
pub(super) async fn batch(
    client: &Client,
    statements: &mut Statements,
    queries: &[Query],
    terms: Terms,
) -> Batched {
    let mut outcomes: Vec<Option<Outcome>> = vec![None; queries.len()];
    let mut prepared = Vec::with_capacity(queries.len());
    // Outside of the transaction, which one that cannot be prepared would abort.
    let all = prepare_all(client, statements, queries).await;
    for (place, (query, statement)) in queries.iter().zip(all).enumerate() {
        match statement {
            Ok(statement) => prepared.push((place, query, statement)),
            Err(error) => outcomes[place] = Some((Err(error), Duration::ZERO)),
        }
    }
    let ended = run(client, statements, &prepared, terms, &mut outcomes).await;
    match ended {
        Ok(()) => {
            let outcomes = outcomes.into_iter();
            let outcomes = outcomes.map(|outcome| outcome.expect("each query was run"));
            Batched::Committed(outcomes.collect())
        }
        Err(Ended::Failed(error)) => Batched::Failed(error),
        Err(Ended::Undone) => Batched::Undone,
    }
}

/// Runs what is prepared, from the transaction's beginning to its end.
async fn run(
    client: &Client,
    statements: &mut Statements,
    mut left: &[Prepared<'_>],
    terms: Terms,
    outcomes: &mut [Option<Outcome>],
) -> Result<(), Ended> {
    if left.is_empty() {
        return Ok(());
    }
    let mut first = begin(terms.lock_wait);
    while !left.is_empty() {
        let (began, answers) = send(client, &first, left, terms.max_rows).await;
        began.map_err(Ended::Failed)?;
        let answered = note(statements, left, answers, outcomes).map_err(Ended::Failed)?;
        left = &left[answered..];
        UNDO.clone_into(&mut first);
    }
    let committed = client.batch_execute(COMMIT).await.map_err(query_error);
    committed.map_err(|error| match error.kind() {
        // Whether it took effect is unknown.
        ErrorKind::Connection => Ended::Failed(error),
        _ => Ended::Undone,
    })
}

/// Takes note of the answers, up to the first after which the server took nothing more; returns how many those are.
fn note(
    statements: &mut Statements,
    queries: &[Prepared<'_>],
    answers: Vec<Parted>,
    outcomes: &mut [Option<Outcome>],
) -> Result<usize, QueryError> {
    for (count, ((place, query, _), (result, took, parted))) in
        (1..).zip(queries.iter().zip(answers))
    {
        let result = result.map_err(|failure| match failure {
            // It goes on its own, prepared anew.
            Failure::Stale(_) => {
                statements.remove(query.text());
                aborted()
            }
            failure @ Failure::Other(_) => failure.into_error(),
        });
        let failed = result.is_err();
        outcomes[*place] = Some((result, took));
        match parted {
            Ok(()) => {}
            Err(_) if failed => return Ok(count),
            Err(error) => return Err(error),
        }
    }
    Ok(queries.len())
}

/// Begins a transaction, in which nobody waits for a lock for longer than that.
fn begin(lock_wait: Duration) -> String {
    // None at all would mean for ever.
    let millis = lock_wait.as_millis().clamp(1, 1_000_000);
    format!("BEGIN; SET LOCAL lock_timeout = {millis}; SAVEPOINT one")
}

/// What came of a query, how long it took, and whether the server went on to the next.
type Parted = (Result<Rows, Failure>, Duration, Result<(), QueryError>);

/// Sends all at once, and waits for the answers.
async fn send(
    client: &Client,
    first: &str,
    queries: &[Prepared<'_>],
    max_rows: usize,
) -> (Result<(), QueryError>, Vec<Parted>) {
    let answers = queries.iter().map(async |(_, query, statement)| {
        let start = tooloo_clock::now();
        let answered = async {
            let answer = answer(client, statement, query, max_rows).await;
            (answer, start.elapsed())
        };
        let ((answer, took), parted) = join(answered, client.batch_execute(NEXT)).await;
        (answer, took, parted.map_err(query_error))
    });
    let (began, answers) = join(client.batch_execute(first), join_all(answers)).await;
    (began.map_err(query_error), answers)
}

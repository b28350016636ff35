//! Writers of a SQLite database take turns, in the order they came.

#![allow(clippy::unwrap_used, reason = "a test fails where it panics")]

mod notes;

use std::{num::NonZeroUsize, pin::pin, time::Duration};

use futures_util::{future::join_all, poll};
use tooloo_hub::Observe;
use tooloo_pool::{PoolConfig, sqlite::SqliteConnector};
use tooloo_query::{Begin, Database, DatabaseConfig, ErrorKind, Queries, Query, QueryError};

use self::notes::{Notes, eventually, limit};

/// Notes behind four connections.
async fn notes() -> Notes {
    let pool = PoolConfig::new().with_max(NonZeroUsize::new(4).unwrap());
    Notes::with(DatabaseConfig::new().with_pool(pool)).await
}

fn add(text: impl Into<String>) -> Query {
    Query::new("INSERT INTO notes (text) VALUES ($1)").bind(text.into())
}

async fn texts(database: &Database) -> Vec<String> {
    let rows = limit(database.query("SELECT text FROM notes ORDER BY id")).await;
    let rows = rows.unwrap();
    rows.iter().map(|row| row.get("text").unwrap()).collect()
}

#[tokio::test]
async fn all_of_many_writers_succeed_in_the_order_they_came_and_wait_without_a_connection() {
    let notes = notes().await;
    let database = &notes.database;
    let first = limit(database.begin()).await.unwrap();
    let one = async |number: usize| {
        let text = number.to_string();
        // Of every kind that writes.
        match number % 3 {
            0 => database.execute(add(text)).await.map(drop),
            1 => {
                let script = format!("INSERT INTO notes (text) VALUES ('{text}')");
                database.script(script).await
            }
            _ => {
                let mut transaction = database.begin().await?;
                transaction.execute(add(text)).await?;
                transaction.commit().await
            }
        }
    };
    let mut writers = pin!(join_all((0..32).map(one)));
    assert!(poll!(&mut writers).is_pending());
    let pool = database.pool().snapshot();
    assert_eq!(
        (pool.in_use, pool.waiting),
        (1, 0),
        "only the first has one"
    );
    limit(first.rollback()).await.unwrap();
    let done: Result<Vec<()>, QueryError> = limit(writers).await.into_iter().collect();
    done.unwrap();
    let expected: Vec<_> = (0..32).map(|number| number.to_string()).collect();
    assert_eq!(texts(database).await, expected);
}

#[tokio::test]
async fn readers_are_not_held_up_by_writers() {
    let notes = notes().await;
    let database = &notes.database;
    let mut writer = limit(database.begin()).await.unwrap();
    limit(writer.execute(add("new"))).await.unwrap();
    let mut waiting = pin!(join_all((0..10).map(|_| database.begin())));
    assert!(poll!(&mut waiting).is_pending());
    assert_eq!(notes.count().await, 0);
    limit(database.query("SELECT datetime('now')"))
        .await
        .unwrap();
    let mut reader = limit(database.begin_with(Begin::new().read_only()))
        .await
        .unwrap();
    limit(reader.query("SELECT text FROM notes")).await.unwrap();
    limit(writer.commit()).await.unwrap();
}

#[tokio::test]
async fn a_transaction_that_is_dropped_ends_its_turn_once_it_is_undone() {
    let notes = notes().await;
    let database = &notes.database;
    for _ in 0..20 {
        let mut dropped = limit(database.begin()).await.unwrap();
        limit(dropped.execute(add("undone"))).await.unwrap();
        let mut next = pin!(database.begin());
        assert!(poll!(&mut next).is_pending());
        drop(dropped);
        // Were it begun any sooner, SQLite would have it wait, and the text would be there twice.
        let mut next = limit(next).await.unwrap();
        limit(next.execute(add("undone"))).await.unwrap();
        limit(next.rollback()).await.unwrap();
    }
    // Right after its beginning, and in the middle of it.
    drop(limit(database.begin()).await.unwrap());
    let mut begun = Box::pin(database.begin());
    assert!(poll!(&mut begun).is_pending());
    drop(begun);
    limit(database.execute(add("kept"))).await.unwrap();
    assert_eq!(texts(database).await, ["kept"]);
}

#[tokio::test]
async fn a_statement_that_is_given_up_ends_its_turn() {
    let notes = notes().await;
    let database = &notes.database;
    let endless = "INSERT INTO notes (text) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    let running = tokio::spawn({
        let database = database.clone();
        async move { database.execute(endless).await }
    });
    eventually(|| database.pool().snapshot().in_use == 1).await;
    running.abort();
    assert!(limit(running).await.unwrap_err().is_cancelled());
    limit(database.execute(add("kept"))).await.unwrap();
    assert_eq!(texts(database).await, ["kept"]);
}

#[tokio::test]
async fn writers_who_go_away_leave_the_line() {
    let notes = notes().await;
    let database = &notes.database;
    let first = limit(database.begin()).await.unwrap();
    let mut gone: Vec<_> = (0..5).map(|_| Box::pin(database.begin())).collect();
    for writer in &mut gone {
        assert!(poll!(writer).is_pending());
    }
    let mut last = pin!(database.execute(add("last")));
    assert!(poll!(&mut last).is_pending());
    gone.truncate(1);
    limit(first.commit()).await.unwrap();
    // The turn is the first one's by now, who goes away with it.
    drop(gone);
    limit(last).await.unwrap();
    assert_eq!(texts(database).await, ["last"]);
}

#[tokio::test]
async fn nobody_waits_for_a_turn_past_the_deadline_of_the_pool() {
    let pool = PoolConfig::new()
        .with_acquire_timeout(Duration::from_secs(1))
        .with_max_waiting(1);
    let notes = Notes::with(DatabaseConfig::new().with_pool(pool)).await;
    let database = &notes.database;
    let first = limit(database.begin()).await.unwrap();
    let mut waiting = pin!(database.execute(add("late")));
    assert!(poll!(&mut waiting).is_pending());
    let refused = limit(database.begin()).await.unwrap_err();
    assert!(refused.is_busy(), "too many wait: {refused:?}");
    let late = limit(waiting).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Busy, "{late:?}");
    assert!(late.is_retryable());
    let sql = late.sql().map(ToString::to_string);
    assert_eq!(sql.as_deref(), Some("INSERT INTO notes(text) VALUES (…)"));
    limit(first.commit()).await.unwrap();
    limit(database.execute(add("in time"))).await.unwrap();
}

#[tokio::test]
async fn who_waits_while_the_database_closes_is_told() {
    let notes = notes().await;
    let database = &notes.database;
    let first = limit(database.begin()).await.unwrap();
    let mut waiting = pin!(database.begin());
    assert!(poll!(&mut waiting).is_pending());
    let mut closing = pin!(database.close(Duration::from_secs(20)));
    assert!(poll!(&mut closing).is_pending());
    let error = limit(waiting).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Pool, "{error:?}");
    limit(first.commit()).await.unwrap();
    limit(closing).await.unwrap();
}

#[tokio::test]
async fn another_programs_writer_is_waited_for_as_long_as_sqlite_is_told_to() {
    let folder = tempfile::tempdir().unwrap();
    let connector = SqliteConnector::file(folder.path().join("busy.db"))
        .with_busy_timeout(Duration::from_millis(1));
    // Two databases know as little of each other as two processes do.
    let [one, other] =
        [(), ()].map(|()| Database::sqlite(connector.clone(), DatabaseConfig::new()));
    let writer = limit(one.begin()).await.unwrap();
    let error = limit(other.begin()).await.unwrap_err();
    assert!(error.is_busy() && error.is_retryable(), "{error:?}");
    limit(writer.rollback()).await.unwrap();
    let free = limit(other.begin()).await.unwrap();
    limit(free.rollback()).await.unwrap();
}

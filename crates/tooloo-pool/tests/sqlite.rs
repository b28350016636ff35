//! SQLite off the async threads: transactions that are left open, cancelled statements, panics.
#![cfg(all(feature = "axum", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::post,
};
use tempfile::TempDir;
use tokio::{
    sync::oneshot,
    time::{Instant, timeout},
};
use tooloo_hub::Observe as _;
use tooloo_pool::{
    Connection as _, Lease, Pool, PoolConfig, PoolLayer, RequestConnection,
    sqlite::{SqliteConnection, SqliteConnector, SqliteError},
};
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

/// Counts until somebody stops it.
const ENDLESS: &str =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

type Lent = Lease<SqliteConnection>;

fn pool(folder: &TempDir, max: usize) -> Pool<SqliteConnection> {
    let connector = SqliteConnector::file(folder.path().join("test.db"));
    let config = PoolConfig::new().with_max(max.try_into().unwrap());
    Pool::new(connector, config)
}

async fn get(pool: &Pool<SqliteConnection>) -> Lent {
    let got = timeout(Duration::from_secs(60), pool.get()).await;
    got.expect("it ends").expect("there is one")
}

async fn execute(lease: &mut SqliteConnection, sql: &'static str) {
    lease
        .run(move |sqlite| sqlite.execute_batch(sql))
        .await
        .unwrap();
}

async fn count(lease: &mut SqliteConnection) -> i64 {
    let count = |sqlite: &mut rusqlite::Connection| {
        sqlite.query_row("SELECT count(*) FROM notes", (), |row| row.get(0))
    };
    lease.run(count).await.unwrap()
}

async fn prepared() -> (TempDir, Pool<SqliteConnection>) {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(&folder, 1);
    execute(
        &mut *get(&pool).await,
        "CREATE TABLE notes (text TEXT) STRICT",
    )
    .await;
    (folder, pool)
}

#[tokio::test]
async fn a_commit_is_on_disk_and_seen_by_other_connections() {
    let folder = tempfile::tempdir().unwrap();
    let pool = pool(&folder, 2);
    let (mut one, mut other) = (get(&pool).await, get(&pool).await);
    execute(
        &mut one,
        "CREATE TABLE notes (text TEXT) STRICT; INSERT INTO notes VALUES ('a')",
    )
    .await;
    assert_eq!(count(&mut other).await, 1);
    let settings = |sqlite: &mut rusqlite::Connection| {
        let mode: String = sqlite.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        let synchronous: i64 = sqlite.pragma_query_value(None, "synchronous", |row| row.get(0))?;
        Ok((mode, synchronous))
    };
    assert_eq!(other.run(settings).await.unwrap(), ("wal".to_owned(), 2));
}

#[tokio::test]
async fn a_transaction_that_is_left_open_is_rolled_back() {
    let (_folder, pool) = prepared().await;
    let mut lease = get(&pool).await;
    execute(&mut lease, "BEGIN; INSERT INTO notes VALUES ('lost')").await;
    assert!(lease.in_transaction() && lease.is_dirty());
    drop(lease);
    let mut lease = get(&pool).await;
    assert!(!lease.in_transaction());
    assert_eq!(count(&mut lease).await, 0);
    assert_eq!(pool.handle().snapshot().created, 1);
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_is_interrupted() {
    let (_folder, pool) = prepared().await;
    let mut lease = get(&pool).await;
    execute(&mut lease, "BEGIN").await;
    let (begun, running) = oneshot::channel();
    let endless = lease.run(move |sqlite| {
        begun.send(()).unwrap();
        sqlite.query_row(ENDLESS, (), |row| row.get::<_, i64>(0))
    });
    tokio::select! {
        _ = endless => panic!("it never ends by itself"),
        running = running => running.unwrap(),
    }
    assert!(lease.is_dirty());
    drop(lease);
    let start = Instant::now();
    let mut lease = get(&pool).await;
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "it was interrupted"
    );
    assert!(!lease.in_transaction());
    assert_eq!(count(&mut lease).await, 0);
    assert_eq!(pool.handle().snapshot().created, 1);
}

#[tokio::test]
async fn work_that_has_not_begun_never_does() {
    let (_folder, pool) = prepared().await;
    let mut lease = get(&pool).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let blocked = lease.run(move |_| {
        held.recv().unwrap();
        Ok(())
    });
    assert!(timeout(Duration::from_millis(1), blocked).await.is_err());
    let insert = lease.run(|sqlite| sqlite.execute("INSERT INTO notes VALUES ('no')", ()));
    assert!(timeout(Duration::from_millis(1), insert).await.is_err());
    release.send(()).unwrap();
    assert_eq!(count(&mut lease).await, 0);
    assert!(!lease.is_dirty());
}

#[tokio::test]
async fn a_panic_in_the_work_is_the_callers_and_the_connection_goes_on() {
    let (_folder, pool) = prepared().await;
    let task = tokio::spawn({
        let pool = pool.clone();
        async move {
            let mut lease = get(&pool).await;
            execute(&mut lease, "BEGIN").await;
            lease
                .run(|_| -> rusqlite::Result<()> { panic!("as the test wants it") })
                .await
        }
    });
    assert!(task.await.unwrap_err().is_panic());
    let mut lease = get(&pool).await;
    assert!(!lease.in_transaction());
    assert_eq!(count(&mut lease).await, 0);
    assert_eq!(pool.handle().snapshot().created, 1);
}

#[tokio::test]
async fn an_error_is_told_and_a_file_that_cannot_be_opened_too() {
    let (folder, pool) = prepared().await;
    let mut lease = get(&pool).await;
    let error = lease
        .run(|sqlite| sqlite.execute_batch("SELEKT"))
        .await
        .unwrap_err();
    assert!(matches!(error, SqliteError::Sqlite(_)), "{error}");

    let connector = SqliteConnector::file(folder.path().join("missing").join("test.db"));
    let config = PoolConfig::new().with_acquire_timeout(Duration::from_millis(50));
    let error = Pool::new(connector, config).get().await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("unable to open"), "{cause}");
}

#[tokio::test]
async fn begin_in_a_handler_that_panics_or_is_cancelled_is_rolled_back() {
    let (_folder, pool) = prepared().await;
    let handler = async |connection: RequestConnection<SqliteConnection>, deed: String| {
        let mut sqlite = connection.get().await.unwrap();
        execute(&mut sqlite, "BEGIN; INSERT INTO notes VALUES ('lost')").await;
        match deed.as_str() {
            "panic" => panic!("as the test wants it"),
            "hang" => std::future::pending().await,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    };
    let app = Router::new()
        .route("/", post(handler))
        .layer(PoolLayer::new(pool.clone()))
        .layer(CatchPanicLayer::new());
    for deed in ["panic", "hang", "fail"] {
        let request = Request::post("/").body(Body::from(deed)).unwrap();
        drop(timeout(Duration::from_millis(200), app.clone().oneshot(request)).await);
        let mut lease = get(&pool).await;
        assert!(!lease.in_transaction(), "{deed}");
        assert_eq!(count(&mut lease).await, 0, "{deed}");
    }
    assert_eq!(pool.handle().snapshot().created, 1);
    assert!(pool.close(Duration::from_secs(10)).await.is_ok());
}

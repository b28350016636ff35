//! The database keeps what it answered for.

use std::{fs, time::Duration};

use tooloo_service::{Problem, Store};

use crate::running::within;

const MIGRATIONS: &[&str] = &[
    "CREATE TABLE rounds (id INTEGER PRIMARY KEY, topic TEXT NOT NULL)",
    "ALTER TABLE rounds ADD COLUMN correct INTEGER NOT NULL DEFAULT 0",
];

async fn count(store: &Store) -> i64 {
    store
        .read(|connection| {
            connection.query_row("SELECT count(*) FROM rounds", [], |row| row.get(0))
        })
        .await
        .unwrap()
}

async fn add(store: &Store, topic: &'static str) {
    store
        .write(move |tx| tx.execute("INSERT INTO rounds (topic) VALUES (?1)", [topic]))
        .await
        .unwrap();
}

#[tokio::test]
async fn what_was_answered_is_there_in_a_copy_of_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("a.sqlite"), MIGRATIONS)
        .await
        .unwrap();
    add(&store, "heaps").await;
    // As after a kill: the files as they lie there, while the first owner has not closed them.
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let recovered = Store::open(copy.path().join("a.sqlite"), MIGRATIONS)
        .await
        .unwrap();
    assert_eq!(count(&recovered).await, 1);
}

#[tokio::test]
async fn writes_that_wait_together_share_a_commit_and_fail_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("a.sqlite"), MIGRATIONS)
        .await
        .unwrap();
    let writes = (0..200).map(|n| {
        store.write(move |tx| {
            tx.execute("INSERT INTO rounds (topic) VALUES ('x')", [])?;
            if n % 10 == 0 {
                tx.execute("INSERT INTO nowhere VALUES (1)", [])?;
            }
            Ok(())
        })
    });
    let outcomes = within(futures_util::future::join_all(writes)).await;
    for (n, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.is_err(), n % 10 == 0, "write {n}: {outcome:?}");
    }
    assert_eq!(count(&store).await, 180);
    // Each commit appends frames to the log: 200 alone would take more than 200 pages.
    let log = fs::metadata(folder.path().join("a.sqlite-wal"))
        .unwrap()
        .len();
    assert!(log < 200 * 4096, "{log} bytes of log");
}

#[tokio::test]
async fn a_caller_that_goes_away_hurts_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("a.sqlite"), MIGRATIONS)
        .await
        .unwrap();
    let gone = store.write(|tx| {
        std::thread::sleep(Duration::from_millis(20));
        tx.execute("INSERT INTO rounds (topic) VALUES ('gone')", [])
    });
    assert!(
        tokio::time::timeout(Duration::from_millis(1), gone)
            .await
            .is_err()
    );
    add(&store, "here").await;
    assert_eq!(count(&store).await, 2);
}

#[tokio::test]
async fn a_job_that_panics_is_rolled_back_alone() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("a.sqlite"), MIGRATIONS)
        .await
        .unwrap();
    let panicked = store
        .write(|tx| -> rusqlite::Result<()> {
            tx.execute("INSERT INTO rounds (topic) VALUES ('x')", [])?;
            panic!("on purpose")
        })
        .await;
    assert!(panicked.is_err());
    assert!(
        store
            .read(|_| -> rusqlite::Result<()> { panic!("on purpose") })
            .await
            .is_err()
    );
    add(&store, "fine").await;
    assert_eq!(count(&store).await, 1);
}

#[tokio::test]
async fn a_full_queue_refuses_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("a.sqlite"), MIGRATIONS)
        .await
        .unwrap();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let mut writes = vec![Box::pin(store.write(move |_| {
        // Ends when the test lets go.
        let _ = held.recv();
        Ok(())
    })) as futures_util::future::BoxFuture<'_, _>];
    for _ in 0..3000 {
        writes.push(Box::pin(store.write(|_| Ok(()))));
    }
    let mut all = Box::pin(futures_util::future::join_all(writes));
    assert!(futures_util::poll!(&mut all).is_pending());
    drop(release);
    let outcomes = within(all).await;
    let busy = outcomes
        .into_iter()
        .filter_map(Result::err)
        .collect::<Vec<_>>();
    assert!(!busy.is_empty() && busy.iter().all(tooloo_service::StoreError::is_busy));
    let problem = Problem::from(busy.into_iter().next().unwrap());
    assert_eq!(
        (problem.status().as_u16(), problem.code()),
        (503, "store_busy")
    );
    add(&store, "again").await;
}

#[tokio::test]
async fn reading_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("a.sqlite"), MIGRATIONS)
        .await
        .unwrap();
    let sneaky = store
        .read(|connection| connection.execute("DELETE FROM rounds", []))
        .await;
    assert!(sneaky.unwrap_err().to_string().contains("readonly"));
    within(store.ping()).await.unwrap();
}

#[tokio::test]
async fn an_older_file_is_brought_up_to_date_and_a_newer_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite");
    drop(Store::open(&path, &MIGRATIONS[..1]).await.unwrap());
    let store = Store::open(&path, MIGRATIONS).await.unwrap();
    store
        .write(|tx| tx.execute("INSERT INTO rounds (topic, correct) VALUES ('x', 1)", []))
        .await
        .unwrap();
    drop(store);
    let error = Store::open(&path, &MIGRATIONS[..1])
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("a.sqlite has schema version 2, newer than 1"),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.sqlite");
    fs::write(&path, "dear diary, ".repeat(1000)).unwrap();
    let error = Store::open(&path, MIGRATIONS)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("notes.sqlite is no intact SQLite database"),
        "{error}"
    );
    assert_eq!(
        fs::read(&path).unwrap().len(),
        12_000,
        "the file was touched"
    );
    let error = Store::open(folder.path(), MIGRATIONS)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("cannot open the database"), "{error}");
}

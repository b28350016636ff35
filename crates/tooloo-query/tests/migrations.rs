//! Tables are brought up to date once, whole, and by one at a time.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where there is nothing to unwrap"
)]

use tempfile::TempDir;
use tooloo_query::{Database, DatabaseConfig, Migration, Queries};

const STEPS: &[Migration] = &[
    Migration::portable(
        "users",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)",
    ),
    Migration::portable(
        "mail",
        "ALTER TABLE users ADD COLUMN mail TEXT; INSERT INTO users (id, name) VALUES (1, 'ada')",
    ),
];

fn open(folder: &TempDir) -> Database {
    let url = format!("sqlite:{}", folder.path().join("users.db").display());
    Database::open(&url, DatabaseConfig::new()).unwrap()
}

async fn users(database: &Database) -> i64 {
    let counted = database
        .query_one("SELECT count(*) AS users FROM users")
        .await;
    counted.unwrap().get("users").unwrap()
}

#[tokio::test]
async fn each_step_runs_once_however_many_programs_start() {
    let folder = TempDir::new().unwrap();
    open(&folder).migrate(&STEPS[..1]).await.unwrap();
    let (one, other) = (open(&folder), open(&folder));
    let (one_done, other_done) = tokio::join!(one.migrate(STEPS), other.migrate(STEPS));
    one_done.unwrap();
    other_done.unwrap();
    assert_eq!(users(&one).await, 1);
}

#[tokio::test]
async fn a_step_that_fails_leaves_nothing_and_says_why() {
    const BROKEN: &[Migration] = &[
        STEPS[0],
        Migration::portable(
            "more",
            "ALTER TABLE users ADD COLUMN age INTEGER; CREATE TABL oops (id)",
        ),
    ];
    let folder = TempDir::new().unwrap();
    let database = open(&folder);
    let error = database.migrate(BROKEN).await.unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("version 2") && told.contains("`more`") && told.contains("TABL"),
        "{told}"
    );
    assert!(!error.is_temporary());
    // Neither the column nor the version stayed.
    database.migrate(STEPS).await.unwrap();
    assert!(database.query("SELECT age FROM users").await.is_err());
    assert_eq!(users(&database).await, 1);
}

#[tokio::test]
async fn tables_of_a_newer_program_are_left_alone() {
    let folder = TempDir::new().unwrap();
    let database = open(&folder);
    database.migrate(STEPS).await.unwrap();
    let error = database.migrate(&STEPS[..1]).await.unwrap_err();
    assert!(
        error.to_string().contains("version 2, newer than 1"),
        "{error}"
    );
    assert_eq!(users(&database).await, 1);
}

//! A small database in a file of its own.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test uses what it needs, and fails where it panics"
)]

use std::time::Duration;

use tempfile::TempDir;
use tokio::time::timeout;
use tooloo_query::{Database, DatabaseConfig, Queries, Query};

/// A database with a table of notes.
pub(crate) struct Notes {
    pub(crate) database: Database,
    _folder: TempDir,
}

impl Notes {
    pub(crate) async fn new() -> Self {
        Self::with(DatabaseConfig::new()).await
    }

    pub(crate) async fn with(config: DatabaseConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("notes.db").display());
        let database = Database::open(&url, config).unwrap();
        let schema = "CREATE TABLE notes (
            id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, made TEXT, kind INTEGER
        ) STRICT";
        limit(database.script(schema)).await.unwrap();
        Self {
            database,
            _folder: folder,
        }
    }

    pub(crate) async fn add(&self, text: &str) {
        let query = Query::new("INSERT INTO notes (text) VALUES ($1)").bind(text);
        assert_eq!(limit(self.database.execute(query)).await.unwrap(), 1);
    }

    pub(crate) async fn count(&self) -> i64 {
        let count = self.database.query_one("SELECT count(*) FROM notes");
        limit(count).await.unwrap().get(0).unwrap()
    }
}

/// Fails rather than hangs.
pub(crate) async fn limit<F: Future>(future: F) -> F::Output {
    let limited = timeout(Duration::from_secs(30), future).await;
    limited.expect("it takes no thirty seconds")
}

/// Waits for what happens in the background.
pub(crate) async fn eventually(mut happened: impl FnMut() -> bool) {
    limit(async {
        while !happened() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

//! SQLite: a statement beside the bare driver, and many writers with one commit for several.

use std::{
    hint::black_box,
    sync::{Arc, Mutex},
};

use benches::{Bound, Rounds};
use futures_util::future::join_all;
use rustix::time::ClockId;
use tempfile::TempDir;
use tooloo_query::{BatchConfig, BatchLayer, Database, DatabaseConfig, Queries, Query};
use tower::Layer;

use crate::{ROUNDS, STATEMENTS, runtime};

const READ: &str = "SELECT text FROM notes WHERE id = $1";
const WRITE: &str = "INSERT INTO notes (text) VALUES ($1)";
const SCHEMA: &str = "
    CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
    INSERT INTO notes (text) VALUES ('one')";

/// Those who insert at the same time.
const WRITERS: usize = 64;
const ROUNDS_OF_WRITERS: usize = 10;

/// Times reads and writes, and returns the bound on what commits take.
pub(crate) fn measure() -> Bound {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let path = folder.path().join("notes.db");
    let runtime = runtime();
    let url = format!("sqlite:{}", path.display());
    let database = Database::open(&url, DatabaseConfig::new()).expect("the URL is good");
    let made = runtime.block_on(database.script(SCHEMA));
    made.expect("the folder can be written to");

    let bare = rusqlite::Connection::open(&path).expect("the file is there");
    let bare = Arc::new(Mutex::new(bare));
    let mut rounds = Rounds::new(
        "a read of one row on SQLite, ns on the clock",
        ClockId::Monotonic,
    );
    for _ in 0..ROUNDS {
        rounds.time("rusqlite, blocking", STATEMENTS, || {
            (0..STATEMENTS).for_each(|_| read(&bare));
        });
        rounds.time("rusqlite, off the task", STATEMENTS, || {
            runtime.block_on(async {
                for _ in 0..STATEMENTS {
                    let bare = Arc::clone(&bare);
                    let read = tokio::task::spawn_blocking(move || read(&bare)).await;
                    read.expect("it does not panic");
                }
            });
        });
        rounds.time("tooloo-query", STATEMENTS, || {
            runtime.block_on(async {
                for _ in 0..STATEMENTS {
                    let row = database.query_one(Query::new(READ).bind(1)).await;
                    black_box(row.expect("the row is there"));
                }
            });
        });
    }
    println!("{rounds}");

    let batched = BatchLayer::new(&database, BatchConfig::new()).layer(database.clone());
    let mut rounds = Rounds::new(
        format!("an insert of {WRITERS} at the same time on SQLite, ns on the clock"),
        ClockId::Monotonic,
    );
    let inserts = WRITERS * ROUNDS_OF_WRITERS;
    for _ in 0..ROUNDS {
        rounds.time("each on its own", inserts, || {
            runtime.block_on(insert(&database));
        });
        rounds.time("batched", inserts, || {
            runtime.block_on(insert(&batched));
        });
    }
    println!("{rounds}");
    let ratio = rounds.ratio("batched", "each on its own");
    Bound::new("query-batched-over-alone", ratio, 0.5)
}

fn read(bare: &Mutex<rusqlite::Connection>) {
    let bare = bare.lock().expect("nobody panics with it");
    let mut statement = bare.prepare_cached(READ).expect("it is SQL");
    let text: String = statement
        .query_row([1], |row| row.get(0))
        .expect("the row is there");
    black_box(text);
}

async fn insert<S>(service: &S)
where
    S: Queries + Send,
    S::Future: Send,
{
    for _ in 0..ROUNDS_OF_WRITERS {
        let asked = (0..WRITERS).map(|_| service.execute(Query::new(WRITE).bind("note")));
        for inserted in join_all(asked).await {
            inserted.expect("there is room");
        }
    }
}

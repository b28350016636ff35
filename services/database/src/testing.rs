//! Databases of tests' own, in SQLite or on the PostgreSQL server of the run.

use std::{env, num::NonZeroUsize, path::Path};

use tooloo_query::{Database, DatabaseConfig, Migration, Query};
use xxhash_rust::xxh3::xxh3_64;

use crate::{Queries, Store, place};

/// Names the server that tests are to use; SQLite without it.
const SERVER: &str = "POSTGRES_FOR_TESTS";

/// Few, since many tests share a server.
const CONNECTIONS: NonZeroUsize = NonZeroUsize::new(4).expect("4 is not 0");

/// Returns the URL of the database that belongs to a test's folder, on the server that `POSTGRES_FOR_TESTS` names; none
/// without that variable.
///
/// It is made when it is asked for first, and stays: whoever starts again with the same folder finds its data.
///
/// # Panics
///
/// Panics where the server does not answer.
pub async fn url(folder: impl AsRef<Path>) -> Option<String> {
    let server = env::var(SERVER).ok()?;
    let folder = folder.as_ref().as_os_str().as_encoded_bytes();
    let name = format!("test_{:016x}", xxh3_64(folder));
    let database = Database::open(&server, DatabaseConfig::new()).expect("the variable is a URL");
    let known =
        Query::new("SELECT count(*) FROM pg_database WHERE datname = $1").bind(name.as_str());
    let known = database.query_one(known).await.expect("the server answers");
    if known.get::<i64>(0).expect("a count is a number") == 0 {
        let made = database.script(format!("CREATE DATABASE {name}")).await;
        made.expect("a test's database is made once");
    }
    let (server, _) = server.rsplit_once('/').expect("the URL names a database");
    Some(format!("{server}/{name}"))
}

/// Opens a store without a service around it, in a folder of the test's own.
///
/// # Panics
///
/// Panics where it cannot be opened, or the migrations fail.
pub async fn store(folder: impl AsRef<Path>, migrations: &[Migration]) -> Store {
    let folder = folder.as_ref();
    let database = match url(folder).await {
        Some(url) => place::server(&url, "test", CONNECTIONS)
            .await
            .expect("the server answers"),
        None => place::file(&folder.join("test.sqlite"), CONNECTIONS)
            .await
            .expect("the folder is the test's own"),
    };
    let store = Store::over(database, "the test's database", migrations).await;
    store.expect("the migrations run")
}

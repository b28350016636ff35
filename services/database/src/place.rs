//! Finds a service's database: a file of its own, or a schema of its own.

use std::{error::Error, num::NonZeroUsize, path::Path};

use tooloo_pool::{Connection, PoolConfig, sqlite::SqliteConnector};
use tooloo_query::{Database, DatabaseConfig};
use tooloo_service::StartError;
use tower_service::Service;

/// What separates the tables of services in one PostgreSQL: `-c search_path=`, as a URL has it.
const SEARCH_PATH: &str = "options=-c%20search_path%3D";

/// Returns the database in the file at `path`, which is made where it is missing.
///
/// # Errors
///
/// Returns an error where the file cannot be opened, or is no database.
pub(crate) async fn file(path: &Path, connections: NonZeroUsize) -> Result<Database, StartError> {
    let mut connector = SqliteConnector::file(path);
    // The pool would try again until its deadline.
    let first = connector.call(()).await;
    let first = first.map_err(|error| refusal(&path.display().to_string(), &error))?;
    first.close().await;
    Ok(Database::sqlite(connector, config(connections)))
}

/// Returns the database at `url`, where the service has the schema `name`, which is made where it is missing.
///
/// # Errors
///
/// Returns an error where the URL makes no sense, or nobody answers there; it does not repeat the URL.
pub(crate) async fn server(
    url: &str,
    name: &str,
    connections: NonZeroUsize,
) -> Result<Database, StartError> {
    if url.contains("options=") {
        let why = "database_url: `options` are set by each service itself";
        return Err(StartError::new(why));
    }
    let parted = if url.contains('?') { '&' } else { '?' };
    let url = format!("{url}{parted}{SEARCH_PATH}{name}");
    let database = Database::open(&url, config(connections))
        .map_err(|error| refusal("database_url", &error))?;
    // Services that start at the same time must not both make it: who comes second would fail.
    let made = async {
        let mut transaction = database.begin().await?;
        transaction
            .script("SELECT pg_advisory_xact_lock(127979077201775)")
            .await?;
        let schema = format!("CREATE SCHEMA IF NOT EXISTS {name}");
        transaction.script(schema).await?;
        transaction.commit().await
    };
    let made: Result<(), tooloo_query::QueryError> = made.await;
    made.map_err(|error| refusal("database_url", &error))?;
    Ok(database)
}

/// Says what is wrong with the database called `what`, to the last cause: none of them has a value of anybody's in it yet.
pub(crate) fn refusal(what: &str, error: &dyn Error) -> StartError {
    let mut told = format!("{what}: {error}");
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_told = cause.to_string();
        if !told.contains(&cause_told) {
            told += ": ";
            told += &cause_told;
        }
        source = cause.source();
    }
    StartError::new(told)
}

fn config(connections: NonZeroUsize) -> DatabaseConfig {
    DatabaseConfig::new().with_pool(PoolConfig::new().with_max(connections))
}

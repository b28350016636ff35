//! Finds a service's database: a file of its own, or a schema of its own.

use std::{num::NonZeroUsize, path::Path};

use tooloo_pool::{PoolConfig, sqlite::SqliteConnector};
use tooloo_query::{Database, DatabaseConfig};
use tooloo_service::StartError;

/// What separates the tables of services in one PostgreSQL: `-c search_path=`, as a URL has it.
const SEARCH_PATH: &str = "options=-c%20search_path%3D";

/// Returns the database in the file at `path`.
pub(crate) fn file(path: &Path, connections: NonZeroUsize) -> Database {
    Database::sqlite(SqliteConnector::file(path), config(connections))
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
        .map_err(|error| StartError::new(format!("database_url: {error}")))?;
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
    made.map_err(|error| StartError::new(format!("database_url: {error}")))?;
    Ok(database)
}

fn config(connections: NonZeroUsize) -> DatabaseConfig {
    DatabaseConfig::new().with_pool(PoolConfig::new().with_max(connections))
}

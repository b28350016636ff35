//! Opens database files and brings them up to date.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::StoreError;

/// How long to wait for another process that holds the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens the file at `path` for writing, at the newest version.
pub(super) fn open(
    path: &Path,
    migrations: &'static [&'static str],
) -> Result<Connection, StoreError> {
    let mut connection = connect(path).map_err(|error| StoreError::opening(path, error))?;
    let known = u32::try_from(migrations.len()).expect("migrations are written by hand");
    let found = version(&connection).map_err(|error| StoreError::opening(path, error))?;
    if found > known {
        return Err(StoreError::newer(path, found, known));
    }
    for (from, migration) in (0..).zip(migrations).skip_while(|(from, _)| *from < found) {
        migrate(&mut connection, from, migration)
            .map_err(|error| StoreError::migrating(path, from + 1, error))?;
    }
    Ok(connection)
}

/// Opens the file at `path`, which exists, for reading.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, StoreError> {
    let open = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(|error| StoreError::opening(path, error))
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // An answered write survives a power cut, not only a crash.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

fn migrate(connection: &mut Connection, from: u32, migration: &str) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have come first.
    if version(&transaction)? == from {
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", from + 1)?;
    }
    transaction.commit()
}

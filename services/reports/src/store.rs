//! What is kept in SQLite: each source's last good answer, and snapshots of the figures.
//!
//! Times are whole microseconds since 1970.

pub(crate) mod copies;
pub(crate) mod snapshots;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// One script per version of the schema.
pub(crate) const MIGRATIONS: &[&str] = &["
    CREATE TABLE copies (
        source TEXT PRIMARY KEY,
        taken_at INTEGER NOT NULL,
        data TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE snapshots (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        figures TEXT NOT NULL
    ) STRICT;
    CREATE INDEX snapshots_by_time ON snapshots (time);
"];

/// A time as a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At(pub(crate) Timestamp);

/// Returns the present as a column can hold it.
pub(crate) fn now() -> Timestamp {
    Timestamp::try_from(tooloo_clock::wall())
        .and_then(|now| Timestamp::from_microsecond(now.as_microsecond()))
        .expect("the clock shows a year before 10000")
}

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.as_microsecond().into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Timestamp::from_microsecond(value.as_i64()?)
            .map(Self)
            .map_err(FromSqlError::other)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! A database in memory.

    use rusqlite::Connection;

    /// Opens an empty database with the present schema.
    pub(crate) fn empty() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for script in super::MIGRATIONS {
            connection.execute_batch(script).unwrap();
        }
        connection
    }
}

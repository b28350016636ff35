//! What is kept in SQLite: topics, their standing, sessions, and every round.
//!
//! The functions below it work on one connection or one transaction and know nothing of threads;
//! `tooloo_service::Store` runs them. Times are whole microseconds since 1970.

pub(crate) mod progress;
pub(crate) mod rounds;
pub(crate) mod sessions;
pub(crate) mod topics;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// One script per version of the schema.
///
/// `states` could be computed from `rounds` at any time: it is what they add up to, kept beside
/// them and written in the same transaction.
pub(crate) const MIGRATIONS: &[&str] = &["
    CREATE TABLE topics (
        position INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        difficulty TEXT NOT NULL,
        known REAL NOT NULL,
        learn REAL NOT NULL,
        slip REAL NOT NULL,
        guess REAL NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE states (
        topic TEXT PRIMARY KEY REFERENCES topics (id),
        mastery REAL NOT NULL,
        attempts INTEGER NOT NULL,
        correct INTEGER NOT NULL,
        streak INTEGER NOT NULL,
        last_practised INTEGER
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        topic TEXT NOT NULL REFERENCES topics (id),
        started_at INTEGER NOT NULL,
        last_active INTEGER NOT NULL,
        ended_at INTEGER,
        rounds INTEGER NOT NULL,
        correct INTEGER NOT NULL,
        mastery_at_start REAL NOT NULL
    ) STRICT;
    CREATE INDEX sessions_running ON sessions (id) WHERE ended_at IS NULL;

    CREATE TABLE rounds (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        topic TEXT NOT NULL REFERENCES topics (id),
        session INTEGER REFERENCES sessions (id),
        correct INTEGER NOT NULL,
        mastery_before REAL NOT NULL,
        mastery REAL NOT NULL,
        at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX rounds_of_topic ON rounds (topic, id);
    CREATE INDEX rounds_at ON rounds (at);
"];

/// A time as a column.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At(pub(crate) Timestamp);

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

/// Returns the present as a column can hold it.
pub(crate) fn now() -> Timestamp {
    Timestamp::try_from(tooloo_clock::wall())
        .and_then(|now| Timestamp::from_microsecond(now.as_microsecond()))
        .expect("the clock shows a year before 10000")
}

#[cfg(test)]
pub(crate) mod testing {
    //! A database in memory.

    use rusqlite::Connection;

    use super::*;
    use crate::config::TrainingConfig;

    pub(crate) const NOON: Timestamp = Timestamp::constant(1_763_121_600, 0);

    /// Opens an empty database with the present schema.
    pub(crate) fn empty() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        for script in MIGRATIONS {
            connection.execute_batch(script).unwrap();
        }
        connection
    }

    /// Opens a database with the first topics.
    pub(crate) fn seeded() -> Connection {
        let mut connection = empty();
        let tx = connection.transaction().unwrap();
        topics::seed(&tx, TrainingConfig::default().models, NOON).unwrap();
        tx.commit().unwrap();
        connection
    }
}

//! What is kept in SQLite: one record, and the newest actions. Times are microseconds since 1970.

pub(crate) mod actions;

use jiff::Timestamp;
use rusqlite::{
    Connection, Row, Transaction, named_params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};

use crate::{
    record::{Counters, FastLane, Record},
    settings::CoachSettings,
};

/// One script per version of the schema.
pub(crate) const MIGRATIONS: &[&str] = &["
    CREATE TABLE coach (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        running_since INTEGER,
        fast_until INTEGER,
        fast_interval INTEGER,
        interval_seconds INTEGER NOT NULL,
        rounds_per_session INTEGER NOT NULL,
        focus INTEGER NOT NULL,
        hints_wanted INTEGER NOT NULL,
        seed INTEGER NOT NULL,
        sessions INTEGER NOT NULL,
        rounds INTEGER NOT NULL,
        correct INTEGER NOT NULL,
        boosts INTEGER NOT NULL,
        failures INTEGER NOT NULL,
        hints INTEGER NOT NULL,
        hint_failures INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE actions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        kind TEXT NOT NULL,
        topic TEXT,
        correct INTEGER,
        chance REAL,
        mastery_before REAL,
        mastery REAL,
        hint TEXT,
        error TEXT
    ) STRICT;
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

/// Puts the record of a new coach there, unless there is one.
pub(crate) fn seed(tx: &Transaction<'_>, record: &Record) -> rusqlite::Result<()> {
    let known: bool = tx.query_row("SELECT count(*) > 0 FROM coach", [], |row| row.get(0))?;
    if known { Ok(()) } else { save(tx, record) }
}

/// Reads the record.
pub(crate) fn load(db: &Connection) -> rusqlite::Result<Record> {
    db.prepare_cached("SELECT * FROM coach")?
        .query_row([], read)
}

/// Changes the record, and returns it as it is then.
pub(crate) fn update(
    tx: &Transaction<'_>,
    change: impl FnOnce(&mut Record),
) -> rusqlite::Result<Record> {
    let mut record = load(tx)?;
    change(&mut record);
    save(tx, &record)?;
    Ok(record)
}

fn save(tx: &Transaction<'_>, record: &Record) -> rusqlite::Result<()> {
    let Record {
        running_since,
        fast_lane,
        settings,
        counters,
    } = record;
    tx.prepare_cached(
        "REPLACE INTO coach VALUES (
            1, :running_since, :fast_until, :fast_interval,
            :interval_seconds, :rounds_per_session, :focus, :hints_wanted, :seed,
            :sessions, :rounds, :correct, :boosts, :failures, :hints, :hint_failures)",
    )?
    .execute(named_params! {
        ":running_since": running_since.map(At),
        ":fast_until": fast_lane.map(|lane| At(lane.until)),
        ":fast_interval": fast_lane.map(|lane| lane.interval_seconds),
        ":interval_seconds": settings.interval_seconds,
        ":rounds_per_session": settings.rounds_per_session,
        ":focus": settings.focus,
        ":hints_wanted": settings.hints,
        ":seed": settings.seed,
        ":sessions": counters.sessions,
        ":rounds": counters.rounds,
        ":correct": counters.correct,
        ":boosts": counters.boosts,
        ":failures": counters.failures,
        ":hints": counters.hints,
        ":hint_failures": counters.hint_failures,
    })?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Record> {
    let until: Option<At> = row.get("fast_until")?;
    let interval_seconds: Option<u32> = row.get("fast_interval")?;
    Ok(Record {
        running_since: row.get::<_, Option<At>>("running_since")?.map(|at| at.0),
        fast_lane: until
            .zip(interval_seconds)
            .map(|(At(until), interval_seconds)| FastLane {
                until,
                interval_seconds,
            }),
        settings: CoachSettings {
            interval_seconds: row.get("interval_seconds")?,
            rounds_per_session: row.get("rounds_per_session")?,
            focus: row.get("focus")?,
            hints: row.get("hints_wanted")?,
            seed: row.get("seed")?,
        },
        counters: Counters {
            sessions: row.get("sessions")?,
            rounds: row.get("rounds")?,
            correct: row.get("correct")?,
            boosts: row.get("boosts")?,
            failures: row.get("failures")?,
            hints: row.get("hints")?,
            hint_failures: row.get("hint_failures")?,
        },
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_every_part_of_a_record() {
        let mut db = testing::empty();
        let tx = db.transaction().unwrap();
        seed(&tx, &Record::default()).unwrap();
        let changed = update(&tx, |record| {
            record.running_since = Some(now());
            record.fast_lane = Some(FastLane {
                until: now(),
                interval_seconds: 7,
            });
            record.settings = CoachSettings {
                interval_seconds: 1,
                rounds_per_session: 2,
                focus: 3,
                hints: false,
                seed: u32::MAX,
            };
            record.counters = Counters {
                sessions: 4,
                rounds: 5,
                correct: 6,
                boosts: 7,
                failures: 8,
                hints: 9,
                hint_failures: 10,
            };
        });
        let changed = changed.unwrap();
        assert_eq!(load(&tx).unwrap(), changed);
        // A second start leaves it alone.
        seed(&tx, &Record::default()).unwrap();
        assert_eq!(load(&tx).unwrap(), changed);
    }
}

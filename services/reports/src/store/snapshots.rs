//! Snapshots of the figures, the newest of them.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, types::FromSqlError};

use super::At;

/// The figures that were known at one time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) time: Timestamp,
    pub(crate) figures: BTreeMap<String, f64>,
}

/// Adds a snapshot, unless the last one added is younger than `spacing`, and forgets all but `keep`.
pub(crate) fn add(
    tx: &Transaction<'_>,
    snapshot: &Snapshot,
    spacing: Duration,
    keep: u32,
) -> rusqlite::Result<()> {
    // The last one added is not the one with the newest time where the clock was set back. Then it
    // has no age, and the snapshot is due: the next one has an age again.
    let age = last_added(tx)?
        .and_then(|last| Duration::try_from(snapshot.time.duration_since(last)).ok());
    if age.is_some_and(|age| age < spacing) {
        return Ok(());
    }
    let figures = serde_json::to_string(&snapshot.figures)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    tx.prepare_cached("INSERT INTO snapshots (time, figures) VALUES (?1, ?2)")?
        .execute(params![At(snapshot.time), figures])?;
    let id = tx.last_insert_rowid();
    tx.prepare_cached("DELETE FROM snapshots WHERE id <= ?1")?
        .execute([id.saturating_sub(keep.into())])?;
    Ok(())
}

/// Returns the newest snapshot.
pub(crate) fn newest(db: &Connection) -> rusqlite::Result<Option<Snapshot>> {
    db.prepare_cached("SELECT time, figures FROM snapshots ORDER BY time DESC, id DESC LIMIT 1")?
        .query_row([], read)
        .optional()
}

/// Returns the snapshot that tells best how things stood at `time`: the last one until then, or
/// else the first one after.
pub(crate) fn at(db: &Connection, time: Timestamp) -> rusqlite::Result<Option<Snapshot>> {
    let until = "SELECT time, figures FROM snapshots WHERE time <= ?1 ORDER BY time DESC LIMIT 1";
    let after = "SELECT time, figures FROM snapshots WHERE time > ?1 ORDER BY time LIMIT 1";
    for sql in [until, after] {
        let found = db
            .prepare_cached(sql)?
            .query_row([At(time)], read)
            .optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Returns the snapshots from `time` on, oldest first.
pub(crate) fn from(db: &Connection, time: Timestamp) -> rusqlite::Result<Vec<Snapshot>> {
    db.prepare_cached("SELECT time, figures FROM snapshots WHERE time >= ?1 ORDER BY time, id")?
        .query_map([At(time)], read)?
        .collect()
}

fn last_added(db: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    db.prepare_cached("SELECT time FROM snapshots ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| row.get(0).map(|At(time)| time))
        .optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Snapshot> {
    let At(time) = row.get(0)?;
    let figures = serde_json::from_str(row.get_ref(1)?.as_str()?).map_err(FromSqlError::other)?;
    Ok(Snapshot { time, figures })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;

    const SPACING: Duration = Duration::from_secs(60);

    fn at_second(second: u32) -> Snapshot {
        Snapshot {
            time: Timestamp::from_second(second.into()).unwrap(),
            figures: BTreeMap::from([("second".to_owned(), second.into())]),
        }
    }

    fn times(snapshots: &[Snapshot]) -> Vec<i64> {
        snapshots
            .iter()
            .map(|snapshot| snapshot.time.as_second())
            .collect()
    }

    #[test]
    fn keeps_the_newest_apart_from_each_other() {
        let mut db = testing::empty();
        let tx = db.transaction().unwrap();
        for second in [0, 59, 60, 120, 121, 180, 240] {
            add(&tx, &at_second(second), SPACING, 3).unwrap();
        }
        assert_eq!(
            times(&from(&tx, Timestamp::UNIX_EPOCH).unwrap()),
            [120, 180, 240]
        );
        assert_eq!(newest(&tx).unwrap(), Some(at_second(240)));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_the_snapshots() {
        let mut db = testing::empty();
        let tx = db.transaction().unwrap();
        add(&tx, &at_second(1_000), SPACING, 10).unwrap();
        for second in [10, 11, 69, 70] {
            add(&tx, &at_second(second), SPACING, 10).unwrap();
        }
        assert_eq!(
            times(&from(&tx, Timestamp::UNIX_EPOCH).unwrap()),
            [10, 70, 1_000],
            "and they keep their distance"
        );
    }

    #[test]
    fn finds_how_things_stood_at_a_time() {
        let mut db = testing::empty();
        let tx = db.transaction().unwrap();
        let found =
            |tx: &Transaction<'_>, second| at(tx, Timestamp::from_second(second).unwrap()).unwrap();
        assert_eq!(found(&tx, 100), None);
        add(&tx, &at_second(100), SPACING, 10).unwrap();
        add(&tx, &at_second(200), SPACING, 10).unwrap();
        for (asked, expected) in [(50, 100), (100, 100), (199, 100), (200, 200), (900, 200)] {
            assert_eq!(found(&tx, asked), Some(at_second(expected)), "{asked}");
        }
    }
}

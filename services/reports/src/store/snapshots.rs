//! Snapshots of the figures, the newest of them.

use std::{collections::BTreeMap, time::Duration};

use database::{At, Queries, Query, Row, Store, StoreError, Transaction};
use jiff::Timestamp;

/// The figures that were known at one time.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Snapshot {
    pub(crate) time: Timestamp,
    pub(crate) figures: BTreeMap<String, f64>,
}

/// Adds a snapshot, unless the last one added is younger than `spacing`, and forgets all but `keep`.
pub(crate) async fn add(
    tx: &mut Transaction,
    snapshot: &Snapshot,
    spacing: Duration,
    keep: u32,
) -> Result<(), StoreError> {
    // The last one added is not the one with the newest time where the clock was set back. Then it
    // has no age, and the snapshot is due: the next one has an age again.
    let age = last_added(tx)
        .await?
        .and_then(|last| Duration::try_from(snapshot.time.duration_since(last)).ok());
    if age.is_some_and(|age| age < spacing) {
        return Ok(());
    }
    let figures = serde_json::to_string(&snapshot.figures)
        .map_err(|error| StoreError::invalid(error.to_string()))?;
    let add = Query::new("INSERT INTO snapshots (time, figures) VALUES ($1, $2)")
        .bind(At(snapshot.time))
        .bind(figures);
    // Ids may have gaps: they are not counted on.
    let sql = "DELETE FROM snapshots WHERE id <
                   (SELECT min(id) FROM
                       (SELECT id FROM snapshots ORDER BY id DESC LIMIT $1) AS kept)";
    let forget = Query::new(sql).bind(keep);
    for done in tx.query_all([add, forget]).await? {
        done?;
    }
    Ok(())
}

/// Returns the newest snapshot.
pub(crate) async fn newest(tx: &mut Transaction) -> Result<Option<Snapshot>, StoreError> {
    let sql = "SELECT time, figures FROM snapshots ORDER BY time DESC, id DESC LIMIT 1";
    one(tx, Query::new(sql)).await
}

/// Returns the snapshot that tells best how things stood at `time`: the last one until then, or
/// else the first one after.
pub(crate) async fn at(
    tx: &mut Transaction,
    time: Timestamp,
) -> Result<Option<Snapshot>, StoreError> {
    let sql = "SELECT time, figures FROM snapshots WHERE time <= $1
               ORDER BY time DESC, id DESC LIMIT 1";
    let until = one(tx, Query::new(sql).bind(At(time))).await?;
    if until.is_some() {
        return Ok(until);
    }
    let sql = "SELECT time, figures FROM snapshots WHERE time > $1 ORDER BY time, id LIMIT 1";
    one(tx, Query::new(sql).bind(At(time))).await
}

/// Returns the snapshots from `time` on, oldest first.
pub(crate) async fn from(store: &Store, time: Timestamp) -> Result<Vec<Snapshot>, StoreError> {
    let sql = "SELECT time, figures FROM snapshots WHERE time >= $1 ORDER BY time, id";
    let rows = store
        .queries()
        .query(Query::new(sql).bind(At(time)))
        .await?;
    rows.iter().map(read).collect()
}

async fn last_added(tx: &mut Transaction) -> Result<Option<Timestamp>, StoreError> {
    let sql = "SELECT time FROM snapshots ORDER BY id DESC LIMIT 1";
    let last = tx.query_opt(sql).await?;
    let time = last.map(|row| row.get("time")).transpose()?;
    Ok(time.map(|At(time)| time))
}

async fn one(tx: &mut Transaction, query: Query) -> Result<Option<Snapshot>, StoreError> {
    tx.query_opt(query).await?.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Snapshot, StoreError> {
    let At(time) = row.get("time")?;
    let figures = serde_json::from_value(row.get("figures")?)
        .map_err(|error| StoreError::invalid(error.to_string()))?;
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

    async fn add_at(tx: &mut Transaction, second: u32, keep: u32) {
        add(tx, &at_second(second), SPACING, keep).await.unwrap();
    }

    #[tokio::test]
    async fn keeps_the_newest_apart_from_each_other() {
        let (_folder, store) = testing::empty().await;
        let mut tx = store.write().await.unwrap();
        for second in [0, 59, 60, 120, 121, 180, 240] {
            add_at(&mut tx, second, 3).await;
        }
        assert_eq!(newest(&mut tx).await.unwrap(), Some(at_second(240)));
        tx.commit().await.unwrap();
        let kept = from(&store, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(times(&kept), [120, 180, 240]);
    }

    #[tokio::test]
    async fn a_clock_that_was_set_back_does_not_stop_the_snapshots() {
        let (_folder, store) = testing::empty().await;
        let mut tx = store.write().await.unwrap();
        for second in [1_000, 10, 11, 69, 70] {
            add_at(&mut tx, second, 10).await;
        }
        tx.commit().await.unwrap();
        let kept = from(&store, Timestamp::UNIX_EPOCH).await.unwrap();
        assert_eq!(
            times(&kept),
            [10, 70, 1_000],
            "and they keep their distance"
        );
    }

    #[tokio::test]
    async fn finds_how_things_stood_at_a_time() {
        let (_folder, store) = testing::empty().await;
        let mut tx = store.write().await.unwrap();
        let second = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(at(&mut tx, second(100)).await.unwrap(), None);
        add_at(&mut tx, 100, 10).await;
        add_at(&mut tx, 200, 10).await;
        for (asked, expected) in [(50, 100), (100, 100), (199, 100), (200, 200), (900, 200)] {
            let found = at(&mut tx, second(asked)).await.unwrap();
            assert_eq!(found, Some(at_second(expected)), "{asked}");
        }
    }
}

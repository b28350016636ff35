//! What is kept: one record, and the newest actions. Times are microseconds since 1970.

pub(crate) mod actions;

use database::{At, Migration, Queries, Query, Row, Store, StoreError, Transaction};

use crate::{
    record::{Counters, FastLane, Record},
    settings::CoachSettings,
};

/// The versions of the schema.
pub(crate) const MIGRATIONS: &[Migration] = &[Migration::each(
    "record and actions",
    include_str!("store/sqlite.sql"),
    include_str!("store/postgres.sql"),
)];

const SELECT: &str = "SELECT running_since, fast_until, fast_interval, interval_seconds,
        rounds_per_session, focus, hints_wanted, seed, sessions, rounds, correct, boosts,
        failures, hints, hint_failures
    FROM coach WHERE id = 1";

/// Puts the record of a new coach there, unless there is one.
pub(crate) async fn seed(tx: &mut Transaction, record: &Record) -> Result<(), StoreError> {
    let insert = Query::new(
        "INSERT INTO coach (id, running_since, fast_until, fast_interval, interval_seconds,
            rounds_per_session, focus, hints_wanted, seed, sessions, rounds, correct, boosts,
            failures, hints, hint_failures)
         VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (id) DO NOTHING",
    );
    tx.execute(bound(insert, record)).await?;
    Ok(())
}

/// Reads the record.
pub(crate) async fn load(tx: &mut Transaction) -> Result<Record, StoreError> {
    read(&tx.query_one(SELECT).await?)
}

/// Reads the record, and nothing with it.
pub(crate) async fn record(store: &Store) -> Result<Record, StoreError> {
    read(&store.queries().query_one(SELECT).await?)
}

/// Puts the record in the place of the one that is there.
pub(crate) async fn save(tx: &mut Transaction, record: &Record) -> Result<(), StoreError> {
    let update = Query::new(
        "UPDATE coach SET running_since = $1, fast_until = $2, fast_interval = $3,
            interval_seconds = $4, rounds_per_session = $5, focus = $6, hints_wanted = $7,
            seed = $8, sessions = $9, rounds = $10, correct = $11, boosts = $12,
            failures = $13, hints = $14, hint_failures = $15
         WHERE id = 1",
    );
    tx.execute(bound(update, record)).await?;
    Ok(())
}

/// Binds every part of the record, in the order of its columns.
fn bound(query: Query, record: &Record) -> Query {
    let Record {
        running_since,
        fast_lane,
        settings,
        counters,
    } = record;
    query
        .bind(running_since.map(At))
        .bind(fast_lane.map(|lane| At(lane.until)))
        .bind(fast_lane.map(|lane| lane.interval_seconds))
        .bind(settings.interval_seconds)
        .bind(settings.rounds_per_session)
        .bind(settings.focus)
        .bind(settings.hints)
        .bind(settings.seed)
        .bind(counters.sessions)
        .bind(counters.rounds)
        .bind(counters.correct)
        .bind(counters.boosts)
        .bind(counters.failures)
        .bind(counters.hints)
        .bind(counters.hint_failures)
}

fn read(row: &Row) -> Result<Record, StoreError> {
    let until: Option<At> = row.get("fast_until")?;
    let interval_seconds: Option<u32> = row.get("fast_interval")?;
    Ok(Record {
        running_since: row.get::<Option<At>>("running_since")?.map(|at| at.0),
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

#[cfg(test)]
mod tests {
    use database::now;

    use super::*;

    #[tokio::test]
    async fn reads_back_every_part_of_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let store = database::testing::store(folder.path(), MIGRATIONS).await;
        let mut tx = store.write().await.unwrap();
        seed(&mut tx, &Record::default()).await.unwrap();
        assert_eq!(load(&mut tx).await.unwrap(), Record::default());
        let changed = Record {
            running_since: Some(now()),
            fast_lane: Some(FastLane {
                until: now(),
                interval_seconds: 7,
            }),
            settings: CoachSettings {
                interval_seconds: 1,
                rounds_per_session: 2,
                focus: 3,
                hints: false,
                seed: u32::MAX,
            },
            counters: Counters {
                sessions: 4,
                rounds: 5,
                correct: 6,
                boosts: 7,
                failures: 8,
                hints: 9,
                hint_failures: 10,
            },
        };
        save(&mut tx, &changed).await.unwrap();
        assert_eq!(load(&mut tx).await.unwrap(), changed);
        // A second start leaves it alone.
        seed(&mut tx, &Record::default()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(record(&store).await.unwrap(), changed);
    }
}

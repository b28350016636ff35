//! Practice sessions: at most one runs.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{At, topics::Topic};
use crate::topic::TopicId;

/// A stretch of practice on one topic.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Session {
    pub(crate) id: i64,
    pub(crate) topic: TopicId,
    pub(crate) started_at: Timestamp,
    /// When its newest round was played, or it started.
    pub(crate) last_active: Timestamp,
    pub(crate) rounds: u32,
    pub(crate) correct: u32,
    pub(crate) mastery_at_start: f64,
}

/// Returns the running session: not ended, and not idle for longer than `idle`.
pub(crate) fn running(
    db: &Connection,
    idle: Duration,
    now: Timestamp,
) -> rusqlite::Result<Option<Session>> {
    let newest = db
        .prepare_cached(
            "SELECT id, topic, started_at, last_active, rounds, correct, mastery_at_start
             FROM sessions WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1",
        )?
        .query_row([], read)
        .optional()?;
    Ok(newest.filter(|session| {
        // Negative where the clock was set back: then it has not been idle at all.
        let waited = Duration::try_from(now.duration_since(session.last_active));
        waited.is_ok_and(|waited| waited <= idle) || now < session.last_active
    }))
}

/// Ends whatever runs and starts a session on `topic`.
pub(crate) fn start(
    tx: &Transaction<'_>,
    topic: &Topic,
    now: Timestamp,
) -> rusqlite::Result<Session> {
    tx.execute(
        "UPDATE sessions SET ended_at = last_active WHERE ended_at IS NULL",
        [],
    )?;
    tx.execute(
        "INSERT INTO sessions (topic, started_at, last_active, rounds, correct, mastery_at_start)
         VALUES (?1, ?2, ?2, 0, 0, ?3)",
        params![topic.id, At(now), topic.state.mastery],
    )?;
    Ok(Session {
        id: tx.last_insert_rowid(),
        topic: topic.id.clone(),
        started_at: now,
        last_active: now,
        rounds: 0,
        correct: 0,
        mastery_at_start: topic.state.mastery,
    })
}

/// Counts a round in a session.
pub(crate) fn count_round(
    tx: &Transaction<'_>,
    id: i64,
    correct: bool,
    now: Timestamp,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE sessions SET rounds = rounds + 1, correct = correct + ?2, last_active = ?3
         WHERE id = ?1",
    )?
    .execute(params![id, correct, At(now)])?;
    Ok(())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: row.get(0)?,
        topic: row.get(1)?,
        started_at: row.get::<_, At>(2)?.0,
        last_active: row.get::<_, At>(3)?.0,
        rounds: row.get(4)?,
        correct: row.get(5)?,
        mastery_at_start: row.get(6)?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::store::{
        testing::{NOON, seeded},
        topics,
    };

    const IDLE: Duration = Duration::from_secs(60);

    fn begin(db: &mut Connection, index: usize, at: Timestamp) -> Session {
        let topic = topics::all(db).unwrap().swap_remove(index);
        let tx = db.transaction().unwrap();
        let session = start(&tx, &topic, at).unwrap();
        tx.commit().unwrap();
        session
    }

    #[test]
    fn one_session_runs_and_a_new_one_ends_it() {
        let mut db = seeded();
        assert_eq!(running(&db, IDLE, NOON).unwrap(), None);
        let first = begin(&mut db, 0, NOON);
        assert_eq!(running(&db, IDLE, NOON).unwrap(), Some(first));
        let second = begin(&mut db, 1, NOON);
        assert_eq!(running(&db, IDLE, NOON).unwrap(), Some(second));
        let open: u32 = db
            .query_row(
                "SELECT count(*) FROM sessions WHERE ended_at IS NULL",
                [],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(open, 1);
    }

    #[test]
    fn a_session_ends_when_it_is_idle_too_long_and_a_round_keeps_it_alive() {
        let mut db = seeded();
        let session = begin(&mut db, 0, NOON);
        let later = |seconds| NOON + SignedDuration::from_secs(seconds);
        assert!(running(&db, IDLE, later(60)).unwrap().is_some());
        assert!(running(&db, IDLE, later(61)).unwrap().is_none());

        let tx = db.transaction().unwrap();
        count_round(&tx, session.id, true, later(50)).unwrap();
        tx.commit().unwrap();
        let kept = running(&db, IDLE, later(100)).unwrap().unwrap();
        assert_eq!((kept.rounds, kept.correct), (1, 1));
    }

    #[test]
    fn a_clock_set_back_ends_nothing() {
        let mut db = seeded();
        begin(&mut db, 0, NOON);
        let earlier = NOON - SignedDuration::from_hours(5);
        assert!(running(&db, IDLE, earlier).unwrap().is_some());
    }
}

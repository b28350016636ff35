//! Practice sessions: at most one runs.

use std::time::Duration;

use database::{At, Query, Row, StoreError, Transaction};
use jiff::Timestamp;

use super::topics::Topic;
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
pub(crate) async fn running(
    tx: &mut Transaction,
    idle: Duration,
    now: Timestamp,
) -> Result<Option<Session>, StoreError> {
    let sql = "SELECT id, topic, started_at, last_active, rounds, correct, mastery_at_start
               FROM sessions WHERE ended_at IS NULL ORDER BY id DESC LIMIT 1";
    let newest = tx.query_opt(sql).await?.as_ref().map(read).transpose()?;
    Ok(newest.filter(|session| {
        // Negative where the clock was set back: then it has not been idle at all.
        let waited = Duration::try_from(now.duration_since(session.last_active));
        waited.is_ok_and(|waited| waited <= idle) || now < session.last_active
    }))
}

/// Ends whatever runs and starts a session on `topic`.
pub(crate) async fn start(
    tx: &mut Transaction,
    topic: &Topic,
    now: Timestamp,
) -> Result<Session, StoreError> {
    tx.execute("UPDATE sessions SET ended_at = last_active WHERE ended_at IS NULL")
        .await?;
    let sql = "INSERT INTO sessions
                   (topic, started_at, last_active, rounds, correct, mastery_at_start)
               VALUES ($1, $2, $2, 0, 0, $3) RETURNING id";
    let start = Query::new(sql)
        .bind(topic.id.as_str())
        .bind(At(now))
        .bind(topic.state.mastery);
    Ok(Session {
        id: tx.query_one(start).await?.get("id")?,
        topic: topic.id.clone(),
        started_at: now,
        last_active: now,
        rounds: 0,
        correct: 0,
        mastery_at_start: topic.state.mastery,
    })
}

/// Counts a round in a session.
pub(crate) fn count_round(id: i64, correct: bool, now: Timestamp) -> Query {
    let sql = "UPDATE sessions SET rounds = rounds + 1, correct = correct + $2, last_active = $3
               WHERE id = $1";
    Query::new(sql).bind(id).bind(correct).bind(At(now))
}

fn read(row: &Row) -> Result<Session, StoreError> {
    Ok(Session {
        id: row.get("id")?,
        topic: TopicId::stored(row.get("topic")?),
        started_at: row.get::<At>("started_at")?.0,
        last_active: row.get::<At>("last_active")?.0,
        rounds: row.get("rounds")?,
        correct: row.get("correct")?,
        mastery_at_start: row.get("mastery_at_start")?,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::store::{
        testing::{Kept, NOON},
        topics,
    };

    const IDLE: Duration = Duration::from_secs(60);

    async fn begin(tx: &mut Transaction, index: usize, at: Timestamp) -> Session {
        let topic = topics::all(tx).await.unwrap().swap_remove(index);
        start(tx, &topic, at).await.unwrap()
    }

    async fn running_at(tx: &mut Transaction, at: Timestamp) -> Option<Session> {
        running(tx, IDLE, at).await.unwrap()
    }

    #[tokio::test]
    async fn one_session_runs_and_a_new_one_ends_it() {
        let kept = Kept::seeded().await;
        let mut tx = kept.write().await;
        assert_eq!(running_at(&mut tx, NOON).await, None);
        let first = begin(&mut tx, 0, NOON).await;
        assert_eq!(running_at(&mut tx, NOON).await, Some(first));
        let second = begin(&mut tx, 1, NOON).await;
        assert_eq!(running_at(&mut tx, NOON).await, Some(second));
        let sql = "SELECT count(*) AS running FROM sessions WHERE ended_at IS NULL";
        let open: u32 = tx.query_one(sql).await.unwrap().get("running").unwrap();
        assert_eq!(open, 1);
    }

    #[tokio::test]
    async fn a_session_ends_when_it_is_idle_too_long_and_a_round_keeps_it_alive() {
        let kept = Kept::seeded().await;
        let mut tx = kept.write().await;
        let session = begin(&mut tx, 0, NOON).await;
        let later = |seconds| NOON + SignedDuration::from_secs(seconds);
        assert!(running_at(&mut tx, later(60)).await.is_some());
        assert!(running_at(&mut tx, later(61)).await.is_none());

        let round = count_round(session.id, true, later(50));
        tx.execute(round).await.unwrap();
        let kept = running_at(&mut tx, later(100)).await.unwrap();
        assert_eq!((kept.rounds, kept.correct), (1, 1));
    }

    #[tokio::test]
    async fn a_clock_set_back_ends_nothing() {
        let kept = Kept::seeded().await;
        let mut tx = kept.write().await;
        begin(&mut tx, 0, NOON).await;
        let earlier = NOON - SignedDuration::from_hours(5);
        assert!(running_at(&mut tx, earlier).await.is_some());
    }
}

//! Rounds added up by day, for the progress view.

use std::collections::HashMap;

use database::{At, Query, Row, StoreError, Transaction};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::topics::{self, Topic};
use crate::{
    progress::{Practised, Start},
    topic::TopicId,
};

const MICROSECONDS_A_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Returns every topic, or only one, as it stood when `first` began.
pub(crate) async fn starts(
    tx: &mut Transaction,
    first: Date,
    only: Option<&TopicId>,
) -> Result<Vec<Start>, StoreError> {
    let topics = match only {
        Some(topic) => topics::find(tx, topic).await?.into_iter().collect(),
        None => topics::all(tx).await?,
    };
    // Each topic's rounds are walked back from the newest, along their index.
    let filter = only.map_or("", |_| "WHERE id = $2");
    let sql = format!(
        "SELECT id, (SELECT mastery FROM rounds WHERE topic = topics.id AND at < $1
                     ORDER BY rounds.id DESC LIMIT 1) AS mastery
         FROM topics {filter}"
    );
    let query = of(only, Query::new(sql).bind(At(midnight(first))));
    let mut before: HashMap<TopicId, Option<f64>> = HashMap::new();
    for row in &tx.query(query).await? {
        before.insert(TopicId::stored(row.get("id")?), row.get("mastery")?);
    }
    let start = |topic: Topic| Start {
        mastery: before
            .remove(&topic.id)
            .flatten()
            .unwrap_or(topic.parameters.initial()),
        id: topic.id,
        name: topic.name,
        created_at: topic.created_at,
    };
    Ok(topics.into_iter().map(start).collect())
}

/// Returns each topic's days with rounds, from `first` on, sorted by day.
pub(crate) async fn practised(
    tx: &mut Transaction,
    first: Date,
    only: Option<&TopicId>,
) -> Result<Vec<Practised>, StoreError> {
    let filter = only.map_or("", |_| "AND topic = $3");
    // A topic's mastery is what the last round of the day made of it.
    let sql = format!(
        "SELECT days.day, days.topic, days.played, days.well_played, last.mastery
         FROM (SELECT at / $1 AS day, topic, count(*) AS played, sum(correct) AS well_played,
                      max(id) AS last_id
               FROM rounds WHERE at >= $2 {filter} GROUP BY day, topic) AS days
         JOIN rounds AS last ON last.id = days.last_id
         ORDER BY days.day"
    );
    let query = Query::new(sql)
        .bind(MICROSECONDS_A_DAY)
        .bind(At(midnight(first)));
    let query = of(only, query);
    tx.query(query).await?.iter().map(read).collect()
}

/// Adds the topic that is asked for, where it is only one.
fn of(only: Option<&TopicId>, query: Query) -> Query {
    match only {
        Some(topic) => query.bind(topic.as_str()),
        None => query,
    }
}

fn read(row: &Row) -> Result<Practised, StoreError> {
    Ok(Practised {
        date: date(row.get("day")?),
        topic: TopicId::stored(row.get("topic")?),
        rounds: row.get("played")?,
        correct: row.get("well_played")?,
        mastery: row.get("mastery")?,
    })
}

fn midnight(date: Date) -> Timestamp {
    date.to_zoned(TimeZone::UTC)
        .expect("midnight in UTC exists on every day")
        .timestamp()
}

fn date(days_since_1970: i64) -> Date {
    let midnight = Timestamp::from_microsecond(days_since_1970.saturating_mul(MICROSECONDS_A_DAY));
    crate::progress::day_of(midnight.unwrap_or(Timestamp::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::civil;

    use super::*;
    use crate::store::{
        rounds::{self, Terms},
        testing::{Kept, NOON},
    };

    fn id(text: &str) -> TopicId {
        text.to_owned().try_into().unwrap()
    }

    async fn play(tx: &mut Transaction, topic: &str, correct: bool, at: &str) -> f64 {
        let terms = Terms {
            threshold: 0.95,
            idle: Duration::ZERO,
            now: at.parse().unwrap(),
        };
        let topic = id(topic);
        let played = rounds::play(tx, Some(&topic), correct, terms).await;
        played.unwrap().unwrap().round.mastery
    }

    #[tokio::test]
    async fn a_day_runs_from_midnight_to_midnight_and_keeps_its_last_mastery() {
        let kept = Kept::seeded().await;
        let mut tx = kept.write().await;
        play(&mut tx, "databases", true, "2025-11-14T00:00:00Z").await;
        let last = play(&mut tx, "databases", false, "2025-11-14T23:59:59.999999Z").await;
        let next = play(&mut tx, "databases", true, "2025-11-15T00:00:00Z").await;
        play(&mut tx, "compilers", true, "2025-11-15T08:00:00Z").await;

        let from = civil::date(2025, 11, 14);
        let mut all = practised(&mut tx, from, None).await.unwrap();
        assert!(all.is_sorted_by_key(|day| day.date));
        all.sort_by(|a, b| (a.date, &a.topic).cmp(&(b.date, &b.topic)));
        let days: Vec<_> = all
            .iter()
            .map(|day| (day.date.day(), day.topic.as_str()))
            .collect();
        assert_eq!(
            days,
            [(14, "databases"), (15, "compilers"), (15, "databases")]
        );
        assert_eq!((all[0].rounds, all[0].correct), (2, 1));
        assert_eq!((all[0].mastery, all[2].mastery), (last, next));

        let (from, only) = (civil::date(2025, 11, 15), id("databases"));
        let later = practised(&mut tx, from, Some(&only)).await.unwrap();
        assert_eq!(later.len(), 1);
        assert_eq!(later[0].mastery.to_bits(), next.to_bits());
    }

    #[tokio::test]
    async fn a_topic_starts_where_the_rounds_before_left_it() {
        let kept = Kept::seeded().await;
        let mut tx = kept.write().await;
        let before = play(&mut tx, "databases", true, "2025-11-13T10:00:00Z").await;
        play(&mut tx, "databases", true, "2025-11-14T10:00:00Z").await;
        let all = topics::all(&mut tx).await.unwrap();
        let initial = all[0].parameters.initial();
        let first = crate::progress::day_of(NOON);
        let starts = starts(&mut tx, first, None).await.unwrap();
        let of = |name: &str| {
            starts
                .iter()
                .find(|start| start.id == id(name))
                .unwrap()
                .mastery
        };
        assert_eq!(of("databases").to_bits(), before.to_bits());
        assert_eq!(of("data-structures").to_bits(), initial.to_bits());

        let only = id("databases");
        let alone = super::starts(&mut tx, first, Some(&only)).await.unwrap();
        assert_eq!(alone.len(), 1);
        assert_eq!(alone[0].mastery.to_bits(), before.to_bits());
    }
}

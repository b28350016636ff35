//! Rounds added up by day, for the progress view.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rusqlite::{Connection, OptionalExtension, params};

use super::{At, topics::Topic};
use crate::{
    progress::{Practised, Start},
    topic::TopicId,
};

const MICROSECONDS_A_DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// Returns the topics as they stood when `first` began.
pub(crate) fn starts(
    db: &Connection,
    topics: Vec<Topic>,
    first: Date,
) -> rusqlite::Result<Vec<Start>> {
    let begin = At(midnight(first));
    let mut before = db.prepare_cached(
        "SELECT mastery FROM rounds WHERE topic = ?1 AND at < ?2 ORDER BY id DESC LIMIT 1",
    )?;
    topics
        .into_iter()
        .map(|topic| {
            let mastery = before
                .query_row(params![topic.id, begin], |row| row.get(0))
                .optional()?;
            Ok(Start {
                mastery: mastery.unwrap_or(topic.parameters.initial()),
                id: topic.id,
                name: topic.name,
                created_at: topic.created_at,
            })
        })
        .collect()
}

/// Returns each topic's days with rounds, from `first` on, sorted by day.
pub(crate) fn practised(
    db: &Connection,
    first: Date,
    topic: Option<&TopicId>,
) -> rusqlite::Result<Vec<Practised>> {
    // Beside max(id), SQLite takes the other columns from the row that has it.
    db.prepare_cached(
        "SELECT at / ?1 AS day, topic, count(*), sum(correct), mastery, max(id)
         FROM rounds WHERE at >= ?2 AND (?3 IS NULL OR topic = ?3)
         GROUP BY day, topic ORDER BY day, topic",
    )?
    .query_map(
        params![MICROSECONDS_A_DAY, At(midnight(first)), topic],
        |row| {
            Ok(Practised {
                date: date(row.get(0)?),
                topic: row.get(1)?,
                rounds: row.get(2)?,
                correct: row.get(3)?,
                mastery: row.get(4)?,
            })
        },
    )?
    .collect()
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
        testing::{NOON, seeded},
        topics,
    };

    fn id(text: &str) -> TopicId {
        text.to_owned().try_into().unwrap()
    }

    fn play(db: &mut Connection, topic: &str, correct: bool, at: &str) -> f64 {
        let terms = Terms {
            threshold: 0.95,
            idle: Duration::ZERO,
            now: at.parse().unwrap(),
        };
        let tx = db.transaction().unwrap();
        let played = rounds::play(&tx, Some(&id(topic)), correct, terms)
            .unwrap()
            .unwrap();
        tx.commit().unwrap();
        played.round.mastery
    }

    #[test]
    fn a_day_runs_from_midnight_to_midnight_and_keeps_its_last_mastery() {
        let mut db = seeded();
        play(&mut db, "databases", true, "2025-11-14T00:00:00Z");
        let last = play(&mut db, "databases", false, "2025-11-14T23:59:59.999999Z");
        let next = play(&mut db, "databases", true, "2025-11-15T00:00:00Z");
        play(&mut db, "compilers", true, "2025-11-15T08:00:00Z");

        let all = practised(&db, civil::date(2025, 11, 14), None).unwrap();
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

        let later = practised(&db, civil::date(2025, 11, 15), Some(&id("databases"))).unwrap();
        assert_eq!(later.len(), 1);
        assert_eq!(later[0].mastery.to_bits(), next.to_bits());
    }

    #[test]
    fn a_topic_starts_where_the_rounds_before_left_it() {
        let mut db = seeded();
        let before = play(&mut db, "databases", true, "2025-11-13T10:00:00Z");
        play(&mut db, "databases", true, "2025-11-14T10:00:00Z");
        let all = topics::all(&db).unwrap();
        let initial = all[0].parameters.initial();
        let starts = starts(&db, all, crate::progress::day_of(NOON)).unwrap();
        let of = |name: &str| {
            starts
                .iter()
                .find(|start| start.id == id(name))
                .unwrap()
                .mastery
        };
        assert_eq!(of("databases").to_bits(), before.to_bits());
        assert_eq!(of("data-structures").to_bits(), initial.to_bits());
    }
}

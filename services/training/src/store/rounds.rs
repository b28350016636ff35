//! Rounds: playing one, and reading them back in order.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, Row, Transaction, params};

use super::{
    At,
    sessions::{self, Session},
    topics::{self, Topic},
};
use crate::{next, since::Since, topic::TopicId};

/// One answered question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Round {
    pub(crate) id: i64,
    pub(crate) topic: TopicId,
    pub(crate) session: Option<i64>,
    pub(crate) correct: bool,
    pub(crate) mastery_before: f64,
    pub(crate) mastery: f64,
    pub(crate) at: Timestamp,
}

/// How a round came to its topic.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ChosenBy {
    Request,
    Session,
    Next,
}

/// A round and what it left behind.
#[derive(Clone, Debug)]
pub(crate) struct Played {
    pub(crate) round: Round,
    pub(crate) topic: Topic,
    pub(crate) chosen_by: ChosenBy,
}

/// What choosing a topic depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) threshold: f64,
    pub(crate) idle: Duration,
    pub(crate) now: Timestamp,
}

/// Rounds in the order they were played.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) rounds: Vec<Round>,
    /// Whether more follow.
    pub(crate) more: bool,
    /// The newest round there is, on this page or not.
    pub(crate) newest: Option<i64>,
}

const COLUMNS: &str = "id, topic, session, correct, mastery_before, mastery, at";

/// Plays a round of `topic`, or else of the running session's topic, or else of the next one.
///
/// Reads and writes in the caller's transaction: rounds that arrive together queue up there, and
/// each builds on the one before. `None` where there is no such topic.
pub(crate) fn play(
    tx: &Transaction<'_>,
    topic: Option<&TopicId>,
    correct: bool,
    terms: Terms,
) -> rusqlite::Result<Option<Played>> {
    let running = sessions::running(tx, terms.idle, terms.now)?;
    let Some((mut topic, chosen_by)) = choose(tx, topic, running.as_ref(), terms)? else {
        return Ok(None);
    };
    let session = running
        .filter(|session| session.topic == topic.id)
        .map(|session| session.id);
    let mastery_before = topic.state.mastery;
    topic.state = topic.state.after(topic.parameters, correct, terms.now);
    tx.prepare_cached(
        "INSERT INTO rounds (topic, session, correct, mastery_before, mastery, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        topic.id,
        session,
        correct,
        mastery_before,
        topic.state.mastery,
        At(terms.now)
    ])?;
    let id = tx.last_insert_rowid();
    topics::set_state(tx, &topic.id, &topic.state)?;
    if let Some(session) = session {
        sessions::count_round(tx, session, correct, terms.now)?;
    }
    let round = Round {
        id,
        topic: topic.id.clone(),
        session,
        correct,
        mastery_before,
        mastery: topic.state.mastery,
        at: terms.now,
    };
    Ok(Some(Played {
        round,
        topic,
        chosen_by,
    }))
}

/// Finds the named topic, or the one that comes next. `None` where there is no such topic.
pub(crate) fn named_or_next(
    db: &Connection,
    topic: Option<&TopicId>,
    terms: Terms,
) -> rusqlite::Result<Option<Topic>> {
    if let Some(id) = topic {
        return topics::find(db, id);
    }
    let mut all = topics::all(db)?;
    let standings: Vec<_> = all.iter().map(Topic::standing).collect();
    let choice = next::choose(&standings, terms.threshold, terms.now);
    Ok(choice.map(|choice| all.swap_remove(choice.index)))
}

/// Returns at most `limit` rounds from `since` on, of `topic` alone where one is given.
pub(crate) fn page(
    db: &Connection,
    since: Since,
    topic: Option<&TopicId>,
    limit: u16,
) -> rusqlite::Result<Page> {
    let after = match since {
        Since::Round(id) => id,
        // Rounds are in order of their ids, also where the clock was set back between them.
        Since::Time(time) => db
            .prepare_cached("SELECT min(id) - 1 FROM rounds WHERE at >= ?1")?
            .query_row([At(time)], |row| row.get::<_, Option<i64>>(0))?
            .unwrap_or(i64::MAX),
    };
    // Two statements, so that either is a walk along one index.
    let filter = topic.map_or("?2 IS NULL", |_| "topic = ?2");
    let mut rounds: Vec<Round> = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM rounds WHERE id > ?1 AND {filter} ORDER BY id LIMIT ?3"
        ))?
        .query_map(params![after, topic, u32::from(limit) + 1], read)?
        .collect::<rusqlite::Result<_>>()?;
    let more = rounds.len() > usize::from(limit);
    rounds.truncate(usize::from(limit));
    Ok(Page {
        rounds,
        more,
        newest: db.query_row("SELECT max(id) FROM rounds", [], |row| row.get(0))?,
    })
}

/// Returns the newest rounds of a topic, at most `limit`, in the order they were played.
pub(crate) fn newest(db: &Connection, topic: &TopicId, limit: u16) -> rusqlite::Result<Vec<Round>> {
    let mut rounds: Vec<Round> = db
        .prepare_cached(&format!(
            "SELECT {COLUMNS} FROM rounds WHERE topic = ?1 ORDER BY id DESC LIMIT ?2"
        ))?
        .query_map(params![topic, limit], read)?
        .collect::<rusqlite::Result<_>>()?;
    rounds.reverse();
    Ok(rounds)
}

fn choose(
    db: &Connection,
    topic: Option<&TopicId>,
    running: Option<&Session>,
    terms: Terms,
) -> rusqlite::Result<Option<(Topic, ChosenBy)>> {
    let (topic, chosen_by) = match (topic, running) {
        (Some(topic), _) => (Some(topic), ChosenBy::Request),
        (None, Some(session)) => (Some(&session.topic), ChosenBy::Session),
        (None, None) => (None, ChosenBy::Next),
    };
    Ok(named_or_next(db, topic, terms)?.map(|topic| (topic, chosen_by)))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Round> {
    Ok(Round {
        id: row.get(0)?,
        topic: row.get(1)?,
        session: row.get(2)?,
        correct: row.get(3)?,
        mastery_before: row.get(4)?,
        mastery: row.get(5)?,
        at: row.get::<_, At>(6)?.0,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;

    use super::*;
    use crate::{
        state::State,
        store::testing::{NOON, seeded},
    };

    const IDLE: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Terms {
        Terms {
            threshold: 0.95,
            idle: IDLE,
            now: NOON + SignedDuration::from_secs(seconds),
        }
    }

    fn id(text: &str) -> TopicId {
        text.to_owned().try_into().unwrap()
    }

    fn play_one(db: &mut Connection, topic: Option<&str>, correct: bool, terms: Terms) -> Played {
        let tx = db.transaction().unwrap();
        let played = play(&tx, topic.map(id).as_ref(), correct, terms)
            .unwrap()
            .unwrap();
        tx.commit().unwrap();
        played
    }

    fn start(db: &mut Connection, topic: &str, terms: Terms) -> i64 {
        let tx = db.transaction().unwrap();
        let topic = topics::find(&tx, &id(topic)).unwrap().unwrap();
        let session = sessions::start(&tx, &topic, terms.now).unwrap();
        tx.commit().unwrap();
        session.id
    }

    fn ids(page: &Page) -> Vec<i64> {
        page.rounds.iter().map(|round| round.id).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn replaying_the_rounds_gives_the_stored_standing(
            plays in prop::collection::vec((prop::option::of(0_usize..9), any::<bool>()), 0..80),
        ) {
            let mut db = seeded();
            let all = topics::all(&db).unwrap();
            for (second, (topic, correct)) in (0..).zip(plays) {
                let topic = topic.map(|index| all[index].id.as_str());
                play_one(&mut db, topic, correct, at(second));
            }
            for topic in topics::all(&db).unwrap() {
                let rounds = newest(&db, &topic.id, u16::MAX).unwrap();
                let replayed = rounds.iter().fold(State::new(topic.parameters), |state, round| {
                    assert_eq!(state.mastery.to_bits(), round.mastery_before.to_bits());
                    let next = state.after(topic.parameters, round.correct, round.at);
                    assert_eq!(next.mastery.to_bits(), round.mastery.to_bits());
                    next
                });
                prop_assert_eq!(replayed, topic.state);
            }
        }

        #[test]
        fn following_the_pages_visits_every_round_once(
            plays in prop::collection::vec(0_usize..9, 0..60),
            limit in 1_u16..20,
            only in prop::option::of(0_usize..9),
        ) {
            let mut db = seeded();
            let all = topics::all(&db).unwrap();
            for (second, &topic) in (0..).zip(&plays) {
                play_one(&mut db, Some(all[topic].id.as_str()), true, at(second));
            }
            let topic = only.map(|index| &all[index].id);
            let mut seen = Vec::new();
            let mut since = 0;
            loop {
                let page = page(&db, Since::Round(since), topic, limit).unwrap();
                prop_assert!(page.rounds.len() <= usize::from(limit));
                prop_assert_eq!(page.newest, i64::try_from(plays.len()).ok().filter(|&n| n > 0));
                seen.extend(ids(&page));
                let Some(last) = page.rounds.last() else {
                    prop_assert!(!page.more);
                    break;
                };
                since = last.id;
                if !page.more {
                    break;
                }
            }
            let expected: Vec<i64> = (1..)
                .zip(&plays)
                .filter(|&(_, &topic)| only.is_none_or(|only| only == topic))
                .map(|(id, _)| id)
                .collect();
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_round_without_a_topic_follows_the_session_and_then_the_next_topic() {
        let mut db = seeded();
        let alone = play_one(&mut db, None, true, at(0));
        assert_eq!(alone.chosen_by, ChosenBy::Next);
        assert_eq!(alone.round.session, None);

        let session = start(&mut db, "databases", at(1));
        let in_session = play_one(&mut db, None, true, at(2));
        assert_eq!(in_session.chosen_by, ChosenBy::Session);
        assert_eq!(in_session.topic.id, id("databases"));
        assert_eq!(in_session.round.session, Some(session));

        let elsewhere = play_one(&mut db, Some("compilers"), false, at(3));
        assert_eq!(elsewhere.chosen_by, ChosenBy::Request);
        assert_eq!(elsewhere.round.session, None);

        let after_it = play_one(&mut db, None, true, at(1_000));
        assert_eq!(after_it.chosen_by, ChosenBy::Next);
    }

    #[test]
    fn a_round_of_no_known_topic_changes_nothing() {
        let mut db = seeded();
        let tx = db.transaction().unwrap();
        assert!(
            play(&tx, Some(&id("alchemy")), true, at(0))
                .unwrap()
                .is_none()
        );
        tx.commit().unwrap();
        assert!(
            page(&db, Since::Round(0), None, 10)
                .unwrap()
                .rounds
                .is_empty()
        );
    }

    #[test]
    fn history_from_a_time_begins_with_the_first_round_then() {
        let mut db = seeded();
        for second in [0, 10, 20] {
            play_one(&mut db, None, true, at(second));
        }
        // The clock is set back by five seconds.
        play_one(&mut db, None, true, at(15));
        let from = |second| page(&db, Since::Time(at(second).now), None, 10).unwrap();
        assert_eq!(ids(&from(-1)), [1, 2, 3, 4]);
        assert_eq!(ids(&from(10)), [2, 3, 4]);
        assert_eq!(ids(&from(16)), [3, 4]);
        assert!(from(21).rounds.is_empty());
    }

    #[test]
    fn the_newest_rounds_come_in_playing_order() {
        let mut db = seeded();
        for second in 0..5 {
            play_one(&mut db, Some("databases"), true, at(second));
            play_one(&mut db, Some("compilers"), true, at(second));
        }
        let newest = newest(&db, &id("databases"), 2).unwrap();
        assert_eq!(
            newest.iter().map(|round| round.id).collect::<Vec<_>>(),
            [7, 9]
        );
    }
}

//! Rounds: playing one, and reading them back in order.

use std::{iter, time::Duration};

use database::{At, Query, Row, StoreError, Transaction};
use jiff::Timestamp;

use super::{
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
/// Reads and writes in the caller's transaction: rounds that arrive together queue up for it, and
/// each builds on the one before. `None` where there is no such topic.
pub(crate) async fn play(
    tx: &mut Transaction,
    topic: Option<&TopicId>,
    correct: bool,
    terms: Terms,
) -> Result<Option<Played>, StoreError> {
    let running = sessions::running(tx, terms.idle, terms.now).await?;
    let Some((mut topic, chosen_by)) = choose(tx, topic, running.as_ref(), terms).await? else {
        return Ok(None);
    };
    let session = running
        .filter(|session| session.topic == topic.id)
        .map(|session| session.id);
    let mastery_before = topic.state.mastery;
    topic.state = topic.state.after(topic.parameters, correct, terms.now);
    let sql = "INSERT INTO rounds (topic, session, correct, mastery_before, mastery, at)
               VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    let added = Query::new(sql)
        .bind(topic.id.as_str())
        .bind(session)
        .bind(correct)
        .bind(mastery_before)
        .bind(topic.state.mastery)
        .bind(At(terms.now));
    let round = Round {
        id: tx.query_one(added).await?.get("id")?,
        topic: topic.id.clone(),
        session,
        correct,
        mastery_before,
        mastery: topic.state.mastery,
        at: terms.now,
    };
    let standing = topics::set_state(&topic.id, &topic.state);
    let counted = session.map(|session| sessions::count_round(session, correct, terms.now));
    for updated in tx.query_all(iter::once(standing).chain(counted)).await? {
        updated?;
    }
    Ok(Some(Played {
        round,
        topic,
        chosen_by,
    }))
}

/// Finds the named topic, or the one that comes next. `None` where there is no such topic.
pub(crate) async fn named_or_next(
    tx: &mut Transaction,
    topic: Option<&TopicId>,
    terms: Terms,
) -> Result<Option<Topic>, StoreError> {
    if let Some(id) = topic {
        return topics::find(tx, id).await;
    }
    let mut all = topics::all(tx).await?;
    let standings: Vec<_> = all.iter().map(Topic::standing).collect();
    let choice = next::choose(&standings, terms.threshold, terms.now);
    Ok(choice.map(|choice| all.swap_remove(choice.index)))
}

/// Returns at most `limit` rounds from `since` on, of `topic` alone where one is given.
pub(crate) async fn page(
    tx: &mut Transaction,
    since: Since,
    topic: Option<&TopicId>,
    limit: u16,
) -> Result<Page, StoreError> {
    let after = match since {
        Since::Round(id) => id,
        Since::Time(time) => last_before(tx, time).await?,
    };
    // Two statements, so that either is a walk along one index.
    let filter = topic.map_or("", |_| "AND topic = $3");
    let sql = format!("SELECT {COLUMNS} FROM rounds WHERE id > $1 {filter} ORDER BY id LIMIT $2");
    let page = Query::new(sql).bind(after).bind(u32::from(limit) + 1);
    let page = match topic {
        Some(topic) => page.bind(topic.as_str()),
        None => page,
    };
    let rows = tx.query(page).await?;
    let mut rounds: Vec<Round> = rows.iter().map(read).collect::<Result<_, _>>()?;
    let more = rounds.len() > usize::from(limit);
    rounds.truncate(usize::from(limit));
    let newest = tx.query_one("SELECT max(id) AS newest FROM rounds").await?;
    Ok(Page {
        rounds,
        more,
        newest: newest.get("newest")?,
    })
}

/// Returns the newest rounds of a topic, at most `limit`, in the order they were played.
pub(crate) async fn newest(
    tx: &mut Transaction,
    topic: &TopicId,
    limit: u16,
) -> Result<Vec<Round>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM rounds WHERE topic = $1 ORDER BY id DESC LIMIT $2");
    let rows = tx
        .query(Query::new(sql).bind(topic.as_str()).bind(limit))
        .await?;
    let mut rounds: Vec<Round> = rows.iter().map(read).collect::<Result<_, _>>()?;
    rounds.reverse();
    Ok(rounds)
}

/// Returns the id before the first round played at `time` or later.
///
/// Rounds are in order of their ids, also where the clock was set back between them.
async fn last_before(tx: &mut Transaction, time: Timestamp) -> Result<i64, StoreError> {
    let sql = "SELECT min(id) - 1 AS previous FROM rounds WHERE at >= $1";
    let row = tx.query_one(Query::new(sql).bind(At(time))).await?;
    Ok(row.get::<Option<i64>>("previous")?.unwrap_or(i64::MAX))
}

async fn choose(
    tx: &mut Transaction,
    topic: Option<&TopicId>,
    running: Option<&Session>,
    terms: Terms,
) -> Result<Option<(Topic, ChosenBy)>, StoreError> {
    let (topic, chosen_by) = match (topic, running) {
        (Some(topic), _) => (Some(topic), ChosenBy::Request),
        (None, Some(session)) => (Some(&session.topic), ChosenBy::Session),
        (None, None) => (None, ChosenBy::Next),
    };
    let topic = named_or_next(tx, topic, terms).await?;
    Ok(topic.map(|topic| (topic, chosen_by)))
}

fn read(row: &Row) -> Result<Round, StoreError> {
    Ok(Round {
        id: row.get("id")?,
        topic: TopicId::stored(row.get("topic")?),
        session: row.get("session")?,
        correct: row.get("correct")?,
        mastery_before: row.get("mastery_before")?,
        mastery: row.get("mastery")?,
        at: row.get::<At>("at")?.0,
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::{
        state::State,
        store::testing::{Kept, NOON},
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

    async fn play_one(
        tx: &mut Transaction,
        topic: Option<&str>,
        correct: bool,
        terms: Terms,
    ) -> Played {
        let played = play(tx, topic.map(id).as_ref(), correct, terms).await;
        played.unwrap().unwrap()
    }

    async fn start(tx: &mut Transaction, topic: &str, terms: Terms) -> i64 {
        let topic = topics::find(tx, &id(topic)).await.unwrap().unwrap();
        sessions::start(tx, &topic, terms.now).await.unwrap().id
    }

    fn ids(page: &Page) -> Vec<i64> {
        page.rounds.iter().map(|round| round.id).collect()
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// Plays the rounds and replays what is kept of them.
    async fn replay(tx: &mut Transaction, plays: Vec<(Option<usize>, bool)>) {
        let all = topics::all(tx).await.unwrap();
        for (second, (topic, correct)) in (0..).zip(plays) {
            let topic = topic.map(|index| all[index].id.as_str());
            play_one(tx, topic, correct, at(second)).await;
        }
        for topic in topics::all(tx).await.unwrap() {
            let rounds = newest(tx, &topic.id, u16::MAX).await.unwrap();
            let start = State::new(topic.parameters);
            let replayed = rounds.iter().fold(start, |state, round| {
                assert_eq!(state.mastery.to_bits(), round.mastery_before.to_bits());
                let next = state.after(topic.parameters, round.correct, round.at);
                assert_eq!(next.mastery.to_bits(), round.mastery.to_bits());
                next
            });
            assert_eq!(replayed, topic.state);
        }
    }

    /// Plays rounds of the topics, and returns the rounds' ids and those that the pages show.
    async fn follow(
        tx: &mut Transaction,
        plays: Vec<usize>,
        limit: u16,
        only: Option<usize>,
    ) -> (Vec<i64>, Vec<i64>) {
        let all = topics::all(tx).await.unwrap();
        let (mut expected, mut last) = (Vec::new(), None);
        for (second, topic) in (0..).zip(plays) {
            let name = Some(all[topic].id.as_str());
            let round = play_one(tx, name, true, at(second)).await.round;
            last = Some(round.id);
            if only.is_none_or(|only| only == topic) {
                expected.push(round.id);
            }
        }
        let topic = only.map(|index| &all[index].id);
        let (mut seen, mut since) = (Vec::new(), 0);
        loop {
            let page = page(tx, Since::Round(since), topic, limit).await.unwrap();
            assert!(page.rounds.len() <= usize::from(limit));
            assert_eq!(page.newest, last);
            seen.extend(ids(&page));
            match page.rounds.last() {
                Some(last) => since = last.id,
                None => assert!(!page.more),
            }
            if !page.more {
                return (expected, seen);
            }
        }
    }

    // What one case played is rolled back before the next.
    #[test]
    fn replaying_the_rounds_gives_the_stored_standing() {
        let runtime = runtime();
        let kept = runtime.block_on(Kept::seeded());
        let plays = prop::collection::vec((prop::option::of(0_usize..9), any::<bool>()), 0..80);
        proptest!(ProptestConfig::with_cases(40), |(plays in plays)| {
            runtime.block_on(async { replay(&mut kept.write().await, plays).await });
        });
    }

    #[test]
    fn following_the_pages_visits_every_round_once() {
        let runtime = runtime();
        let kept = runtime.block_on(Kept::seeded());
        let plays = prop::collection::vec(0_usize..9, 0..60);
        let only = prop::option::of(0_usize..9);
        proptest!(ProptestConfig::with_cases(40), |(plays in plays, limit in 1_u16..20, only in only)| {
            let (expected, seen) = runtime.block_on(async {
                follow(&mut kept.write().await, plays, limit, only).await
            });
            prop_assert_eq!(seen, expected);
        });
    }

    #[tokio::test]
    async fn a_round_without_a_topic_follows_the_session_and_then_the_next_topic() {
        let kept = Kept::seeded().await;
        let mut tx = kept.write().await;
        let alone = play_one(&mut tx, None, true, at(0)).await;
        assert_eq!(alone.chosen_by, ChosenBy::Next);
        assert_eq!(alone.round.session, None);

        let session = start(&mut tx, "databases", at(1)).await;
        let in_session = play_one(&mut tx, None, true, at(2)).await;
        assert_eq!(in_session.chosen_by, ChosenBy::Session);
        assert_eq!(in_session.topic.id, id("databases"));
        assert_eq!(in_session.round.session, Some(session));

        let elsewhere = play_one(&mut tx, Some("compilers"), false, at(3)).await;
        assert_eq!(elsewhere.chosen_by, ChosenBy::Request);
        assert_eq!(elsewhere.round.session, None);

        let after_it = play_one(&mut tx, None, true, at(1_000)).await;
        assert_eq!(after_it.chosen_by, ChosenBy::Next);
    }

    #[tokio::test]
    async fn a_round_of_no_known_topic_changes_nothing() {
        let kept = Kept::seeded().await;
        let mut tx = kept.write().await;
        let played = play(&mut tx, Some(&id("alchemy")), true, at(0)).await;
        assert!(played.unwrap().is_none());
        let all = page(&mut tx, Since::Round(0), None, 10).await.unwrap();
        assert!(all.rounds.is_empty());
    }

    #[tokio::test]
    async fn history_from_a_time_begins_with_the_first_round_then() {
        let kept = Kept::seeded().await;
        let mut tx = kept.write().await;
        // Before the last round the clock is set back by five seconds.
        for second in [0, 10, 20, 15] {
            play_one(&mut tx, None, true, at(second)).await;
        }
        for (second, expected) in [
            (-1, &[1, 2, 3, 4][..]),
            (10, &[2, 3, 4]),
            (16, &[3, 4]),
            (21, &[]),
        ] {
            let since = Since::Time(at(second).now);
            let page = page(&mut tx, since, None, 10).await.unwrap();
            assert_eq!(ids(&page), expected, "{second}");
        }
    }

    #[tokio::test]
    async fn the_newest_rounds_come_in_playing_order() {
        let kept = Kept::seeded().await;
        let mut tx = kept.write().await;
        for second in 0..5 {
            play_one(&mut tx, Some("databases"), true, at(second)).await;
            play_one(&mut tx, Some("compilers"), true, at(second)).await;
        }
        let newest = newest(&mut tx, &id("databases"), 2).await.unwrap();
        let ids: Vec<_> = newest.iter().map(|round| round.id).collect();
        assert_eq!(ids, [7, 9]);
    }
}

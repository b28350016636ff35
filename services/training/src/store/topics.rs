//! Topics and their standing.

use jiff::Timestamp;
use rusqlite::{
    Connection, OptionalExtension, Row, Transaction, named_params, params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};

use super::At;
use crate::{
    config::Models,
    curriculum,
    mastery::Parameters,
    next::Standing,
    state::State,
    topic::{Difficulty, TopicId, TopicName},
};

/// A topic, its model and its standing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Topic {
    pub(crate) id: TopicId,
    pub(crate) name: String,
    pub(crate) difficulty: Difficulty,
    pub(crate) parameters: Parameters,
    pub(crate) created_at: Timestamp,
    pub(crate) state: State,
}

impl Topic {
    /// Returns what choosing the next topic looks at.
    pub(crate) fn standing(&self) -> Standing {
        Standing {
            mastery: self.state.mastery,
            last_practised: self.state.last_practised,
        }
    }
}

/// Why a topic was not added.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NotAdded {
    /// There is one with this id.
    Exists,
    /// There are as many as there may be.
    Full,
}

const SELECT: &str = "
    SELECT topics.id, name, difficulty, known, learn, slip, guess, created_at,
           mastery, attempts, correct, streak, last_practised
    FROM topics JOIN states ON states.topic = topics.id";

/// Returns every topic in the order in which they were added.
pub(crate) fn all(db: &Connection) -> rusqlite::Result<Vec<Topic>> {
    db.prepare_cached(&format!("{SELECT} ORDER BY position"))?
        .query_map([], read)?
        .collect()
}

/// Finds a topic.
pub(crate) fn find(db: &Connection, id: &TopicId) -> rusqlite::Result<Option<Topic>> {
    db.prepare_cached(&format!("{SELECT} WHERE topics.id = ?1"))?
        .query_row([id], read)
        .optional()
}

/// Adds the first topics to a database that has none.
pub(crate) fn seed(tx: &Transaction<'_>, models: Models, now: Timestamp) -> rusqlite::Result<()> {
    if count(tx)? > 0 {
        return Ok(());
    }
    for (name, difficulty) in curriculum::TOPICS {
        let name = TopicName::try_from(name.to_owned()).expect("the first topics have valid names");
        insert(tx, &name, difficulty, models.of(difficulty), now)?;
    }
    Ok(())
}

/// Adds a topic unless its id is taken or there are `max` already.
pub(crate) fn add(
    tx: &Transaction<'_>,
    name: &TopicName,
    difficulty: Difficulty,
    parameters: Parameters,
    max: u32,
    now: Timestamp,
) -> rusqlite::Result<Result<Topic, NotAdded>> {
    if find(tx, &name.id())?.is_some() {
        return Ok(Err(NotAdded::Exists));
    }
    if count(tx)? >= max {
        return Ok(Err(NotAdded::Full));
    }
    insert(tx, name, difficulty, parameters, now).map(Ok)
}

/// Replaces a topic's standing.
pub(crate) fn set_state(tx: &Transaction<'_>, id: &TopicId, state: &State) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE states SET mastery = ?2, attempts = ?3, correct = ?4, streak = ?5, last_practised = ?6
         WHERE topic = ?1",
    )?
    .execute(params![
        id,
        state.mastery,
        state.attempts,
        state.correct,
        state.streak,
        state.last_practised.map(At),
    ])?;
    Ok(())
}

fn count(db: &Connection) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM topics", [], |row| row.get(0))
}

fn insert(
    tx: &Transaction<'_>,
    name: &TopicName,
    difficulty: Difficulty,
    parameters: Parameters,
    now: Timestamp,
) -> rusqlite::Result<Topic> {
    let topic = Topic {
        id: name.id(),
        name: name.as_str().to_owned(),
        difficulty,
        parameters,
        created_at: now,
        state: State::new(parameters),
    };
    let [known, learn, slip, guess] = parameters.as_array();
    tx.execute(
        "INSERT INTO topics (id, name, difficulty, known, learn, slip, guess, created_at)
         VALUES (:id, :name, :difficulty, :known, :learn, :slip, :guess, :at)",
        named_params! {
            ":id": topic.id, ":name": topic.name, ":difficulty": difficulty,
            ":known": known, ":learn": learn, ":slip": slip, ":guess": guess, ":at": At(now),
        },
    )?;
    tx.execute(
        "INSERT INTO states (topic, mastery, attempts, correct, streak) VALUES (?1, ?2, 0, 0, 0)",
        params![topic.id, topic.state.mastery],
    )?;
    Ok(topic)
}

fn read(row: &Row<'_>) -> rusqlite::Result<Topic> {
    let parameters = Parameters::new(row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?)
        .map_err(FromSqlError::other)?;
    Ok(Topic {
        id: row.get(0)?,
        name: row.get(1)?,
        difficulty: row.get(2)?,
        parameters,
        created_at: row.get::<_, At>(7)?.0,
        state: State {
            mastery: row.get(8)?,
            attempts: row.get(9)?,
            correct: row.get(10)?,
            streak: row.get(11)?,
            last_practised: row.get::<_, Option<At>>(12)?.map(|at| at.0),
        },
    })
}

impl ToSql for TopicId {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for TopicId {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        String::column_result(value).map(Self::stored)
    }
}

impl ToSql for Difficulty {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for Difficulty {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Self::named(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::TrainingConfig,
        store::testing::{NOON, empty, seeded},
    };

    fn name(text: &str) -> TopicName {
        text.to_owned().try_into().unwrap()
    }

    fn add_one(db: &mut Connection, text: &str, max: u32) -> Result<Topic, NotAdded> {
        let model = TrainingConfig::default().models.of(Difficulty::Hard);
        let tx = db.transaction().unwrap();
        let added = add(&tx, &name(text), Difficulty::Hard, model, max, NOON).unwrap();
        tx.commit().unwrap();
        added
    }

    #[test]
    fn seeds_nine_topics_once() {
        let mut db = seeded();
        let before = all(&db).unwrap();
        let tx = db.transaction().unwrap();
        seed(&tx, TrainingConfig::default().models, NOON).unwrap();
        tx.commit().unwrap();
        assert_eq!(before.len(), 9);
        assert_eq!(all(&db).unwrap(), before);
    }

    #[test]
    fn reads_back_what_was_added_in_order() {
        let mut db = empty();
        let first = add_one(&mut db, "Zero Knowledge", 5).unwrap();
        let second = add_one(&mut db, "Automata", 5).unwrap();
        assert_eq!(all(&db).unwrap(), [first.clone(), second]);
        assert_eq!(find(&db, &first.id).unwrap(), Some(first));
        assert_eq!(find(&db, &name("Nothing").id()).unwrap(), None);
    }

    #[test]
    fn refuses_a_second_topic_of_one_id_and_one_too_many() {
        let mut db = empty();
        add_one(&mut db, "Graph Theory", 2).unwrap();
        assert_eq!(add_one(&mut db, "graph theory", 2), Err(NotAdded::Exists));
        add_one(&mut db, "Logic", 2).unwrap();
        assert_eq!(add_one(&mut db, "Sets", 2), Err(NotAdded::Full));
        assert_eq!(add_one(&mut db, "LOGIC", 2), Err(NotAdded::Exists));
    }
}

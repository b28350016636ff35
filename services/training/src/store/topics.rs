//! Topics and their standing.

use database::{At, Queries, Query, Row, Rows, Store, StoreError, Transaction};
use jiff::Timestamp;

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
pub(crate) async fn all(tx: &mut Transaction) -> Result<Vec<Topic>, StoreError> {
    read_all(&tx.query(every()).await?)
}

/// Returns every topic as they stand now, in the order in which they were added.
pub(crate) async fn now(store: &Store) -> Result<Vec<Topic>, StoreError> {
    read_all(&store.queries().query(every()).await?)
}

/// Finds a topic.
pub(crate) async fn find(tx: &mut Transaction, id: &TopicId) -> Result<Option<Topic>, StoreError> {
    let query = Query::new(format!("{SELECT} WHERE topics.id = $1")).bind(id.as_str());
    tx.query_opt(query).await?.as_ref().map(read).transpose()
}

/// Adds the first topics to a database that has none.
pub(crate) async fn seed(
    tx: &mut Transaction,
    models: Models,
    now: Timestamp,
) -> Result<(), StoreError> {
    if count(tx).await? > 0 {
        return Ok(());
    }
    for (name, difficulty) in curriculum::TOPICS {
        let name = TopicName::try_from(name.to_owned()).expect("the first topics have valid names");
        insert(tx, &name, difficulty, models.of(difficulty), now).await?;
    }
    Ok(())
}

/// Adds a topic unless its id is taken or there are `max` already.
pub(crate) async fn add(
    tx: &mut Transaction,
    name: &TopicName,
    difficulty: Difficulty,
    parameters: Parameters,
    max: u32,
    now: Timestamp,
) -> Result<Result<Topic, NotAdded>, StoreError> {
    if find(tx, &name.id()).await?.is_some() {
        return Ok(Err(NotAdded::Exists));
    }
    if count(tx).await? >= max {
        return Ok(Err(NotAdded::Full));
    }
    insert(tx, name, difficulty, parameters, now).await.map(Ok)
}

/// Makes a topic's standing another.
pub(crate) fn set_state(id: &TopicId, state: &State) -> Query {
    let sql = "UPDATE states SET mastery = $2, attempts = $3, correct = $4, streak = $5,
               last_practised = $6 WHERE topic = $1";
    Query::new(sql)
        .bind(id.as_str())
        .bind(state.mastery)
        .bind(state.attempts)
        .bind(state.correct)
        .bind(state.streak)
        .bind(state.last_practised.map(At))
}

fn every() -> Query {
    Query::new(format!("{SELECT} ORDER BY position"))
}

async fn count(tx: &mut Transaction) -> Result<u32, StoreError> {
    let row = tx
        .query_one("SELECT count(*) AS topics FROM topics")
        .await?;
    Ok(row.get("topics")?)
}

async fn insert(
    tx: &mut Transaction,
    name: &TopicName,
    difficulty: Difficulty,
    parameters: Parameters,
    now: Timestamp,
) -> Result<Topic, StoreError> {
    let topic = Topic {
        id: name.id(),
        name: name.as_str().to_owned(),
        difficulty,
        parameters,
        created_at: now,
        state: State::new(parameters),
    };
    let sql = "INSERT INTO topics (id, name, difficulty, known, learn, slip, guess, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let [known, learn, slip, guess] = parameters.as_array();
    let add = Query::new(sql)
        .bind(topic.id.as_str())
        .bind(&topic.name)
        .bind(difficulty.as_str())
        .bind(known)
        .bind(learn)
        .bind(slip)
        .bind(guess)
        .bind(At(now));
    let sql = "INSERT INTO states (topic, mastery, attempts, correct, streak)
               VALUES ($1, $2, 0, 0, 0)";
    let begin = Query::new(sql)
        .bind(topic.id.as_str())
        .bind(topic.state.mastery);
    for added in tx.query_all([add, begin]).await? {
        added?;
    }
    Ok(topic)
}

fn read_all(rows: &Rows) -> Result<Vec<Topic>, StoreError> {
    rows.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Topic, StoreError> {
    let parameters = Parameters::new(
        row.get("known")?,
        row.get("learn")?,
        row.get("slip")?,
        row.get("guess")?,
    );
    Ok(Topic {
        id: TopicId::stored(row.get("id")?),
        name: row.get("name")?,
        difficulty: difficulty(&row.get::<String>("difficulty")?)?,
        parameters: parameters.map_err(|bad| StoreError::invalid(bad.to_string()))?,
        created_at: row.get::<At>("created_at")?.0,
        state: State {
            mastery: row.get("mastery")?,
            attempts: row.get("attempts")?,
            correct: row.get("correct")?,
            streak: row.get("streak")?,
            last_practised: row.get::<Option<At>>("last_practised")?.map(|at| at.0),
        },
    })
}

fn difficulty(name: &str) -> Result<Difficulty, StoreError> {
    Difficulty::named(name)
        .ok_or_else(|| StoreError::invalid(format!("a topic that is {name:?} to learn")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::TrainingConfig,
        store::testing::{Kept, NOON},
    };

    fn name(text: &str) -> TopicName {
        text.to_owned().try_into().unwrap()
    }

    async fn add_one(tx: &mut Transaction, text: &str, max: u32) -> Result<Topic, NotAdded> {
        let model = TrainingConfig::default().models.of(Difficulty::Hard);
        let name = name(text);
        let added = add(tx, &name, Difficulty::Hard, model, max, NOON);
        added.await.unwrap()
    }

    #[tokio::test]
    async fn seeds_nine_topics_once() {
        let kept = Kept::seeded().await;
        let mut tx = kept.write().await;
        let before = all(&mut tx).await.unwrap();
        let models = TrainingConfig::default().models;
        seed(&mut tx, models, NOON).await.unwrap();
        assert_eq!(before.len(), 9);
        assert_eq!(all(&mut tx).await.unwrap(), before);
    }

    #[tokio::test]
    async fn reads_back_what_was_added_in_order() {
        let kept = Kept::empty().await;
        let mut tx = kept.write().await;
        let first = add_one(&mut tx, "Zero Knowledge", 5).await.unwrap();
        let second = add_one(&mut tx, "Automata", 5).await.unwrap();
        assert_eq!(all(&mut tx).await.unwrap(), [first.clone(), second]);
        assert_eq!(find(&mut tx, &first.id).await.unwrap(), Some(first));
        let nothing = name("Nothing").id();
        assert_eq!(find(&mut tx, &nothing).await.unwrap(), None);
    }

    #[tokio::test]
    async fn refuses_a_second_topic_of_one_id_and_one_too_many() {
        let kept = Kept::empty().await;
        let mut tx = kept.write().await;
        add_one(&mut tx, "Graph Theory", 2).await.unwrap();
        let again = add_one(&mut tx, "graph theory", 2).await;
        assert_eq!(again, Err(NotAdded::Exists));
        add_one(&mut tx, "Logic", 2).await.unwrap();
        assert_eq!(add_one(&mut tx, "Sets", 2).await, Err(NotAdded::Full));
        assert_eq!(add_one(&mut tx, "LOGIC", 2).await, Err(NotAdded::Exists));
    }
}

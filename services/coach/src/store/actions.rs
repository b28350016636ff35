//! The newest actions.

use std::sync::Arc;

use database::{At, Query, Row, StoreError, Transaction};

use crate::action::{Action, Kind};

/// Adds an action, and forgets all but the newest `keep`.
pub(crate) async fn add(
    tx: &mut Transaction,
    action: &Action,
    keep: u32,
) -> Result<(), StoreError> {
    // Numbered here: a sequence of the database's may leave gaps, and fewer would be kept.
    let insert = Query::new(
        "INSERT INTO actions (id, time, kind, topic, correct, chance, mastery_before, mastery,
            hint, error)
         SELECT coalesce(max(id), 0) + 1, $1, $2, $3, $4, $5, $6, $7, $8, $9 FROM actions
         RETURNING id",
    )
    .bind(At(action.time))
    .bind(action.kind.as_str())
    .bind(storable(action.topic.as_deref()))
    .bind(action.correct)
    .bind(action.chance)
    .bind(action.mastery_before)
    .bind(action.mastery)
    .bind(storable(action.hint.as_deref()))
    .bind(storable(action.error.as_deref()));
    let id: i64 = tx.query_one(insert).await?.get("id")?;
    let forget = Query::new("DELETE FROM actions WHERE id <= $1");
    let last_to_go = id.saturating_sub(keep.into());
    tx.execute(forget.bind(last_to_go)).await?;
    Ok(())
}

/// Returns the newest actions, newest first.
pub(crate) async fn newest(tx: &mut Transaction, limit: u32) -> Result<Vec<Action>, StoreError> {
    let select = Query::new(
        "SELECT time, kind, topic, correct, chance, mastery_before, mastery, hint, error
         FROM actions ORDER BY id DESC LIMIT $1",
    );
    let rows = tx.query(select.bind(limit)).await?;
    rows.iter().map(read).collect()
}

/// Returns a text as either database takes it: in PostgreSQL none holds a NUL.
fn storable(text: Option<&str>) -> Option<String> {
    text.map(|text| text.replace('\0', "\u{fffd}"))
}

fn read(row: &Row) -> Result<Action, StoreError> {
    Ok(Action {
        time: row.get::<At>("time")?.0,
        kind: kind(row)?,
        topic: row.get("topic")?,
        correct: row.get("correct")?,
        chance: row.get("chance")?,
        mastery_before: row.get("mastery_before")?,
        mastery: row.get("mastery")?,
        hint: row.get("hint")?,
        error: row.get("error")?,
    })
}

fn kind(row: &Row) -> Result<Kind, StoreError> {
    let stored: Arc<str> = row.get("kind")?;
    Kind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == &*stored)
        .ok_or_else(|| StoreError::invalid(format!("no kind of action is called {stored}")))
}

#[cfg(test)]
mod tests {
    use database::now;

    use super::*;
    use crate::store::MIGRATIONS;

    #[tokio::test]
    async fn keeps_the_newest_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = database::testing::store(folder.path(), MIGRATIONS).await;
        let mut tx = store.write().await.unwrap();
        let round = Action {
            correct: Some(true),
            chance: Some(0.25),
            mastery_before: Some(0.5),
            mastery: Some(0.75),
            ..Action::hinted(now(), "algorithms", "halve it")
        };
        let all: Vec<Action> = Kind::ALL
            .into_iter()
            .map(|kind| Action {
                kind,
                ..round.clone()
            })
            .collect();
        for action in &all {
            add(&mut tx, action, 3).await.unwrap();
        }
        let newest = newest(&mut tx, 100).await.unwrap();
        let expected: Vec<Action> = all.into_iter().rev().take(3).collect();
        assert_eq!(newest, expected);
    }

    #[tokio::test]
    async fn keeps_texts_that_hold_a_nul() {
        let folder = tempfile::tempdir().unwrap();
        let store = database::testing::store(folder.path(), MIGRATIONS).await;
        let mut tx = store.write().await.unwrap();
        let action = Action::hinted(now(), "a\0", "b\0c");
        add(&mut tx, &action, 1).await.unwrap();
        let newest = newest(&mut tx, 1).await.unwrap();
        assert_eq!(newest[0].topic.as_deref(), Some("a\u{fffd}"));
        assert_eq!(newest[0].hint.as_deref(), Some("b\u{fffd}c"));
    }
}

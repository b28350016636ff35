//! The newest actions.

use rusqlite::{
    Connection, Row, Transaction, named_params,
    types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef},
};

use super::At;
use crate::action::{Action, Kind};

/// Adds an action, and forgets all but the newest `keep`.
pub(crate) fn add(tx: &Transaction<'_>, action: &Action, keep: u32) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "INSERT INTO actions (time, kind, topic, correct, chance, mastery_before, mastery, hint, error)
         VALUES (:time, :kind, :topic, :correct, :chance, :before, :mastery, :hint, :error)",
    )?
    .execute(named_params! {
        ":time": At(action.time),
        ":kind": action.kind,
        ":topic": action.topic,
        ":correct": action.correct,
        ":chance": action.chance,
        ":before": action.mastery_before,
        ":mastery": action.mastery,
        ":hint": action.hint,
        ":error": action.error,
    })?;
    let id = tx.last_insert_rowid();
    tx.prepare_cached("DELETE FROM actions WHERE id <= ?1")?
        .execute([id.saturating_sub(keep.into())])?;
    Ok(())
}

/// Returns the newest actions, newest first.
pub(crate) fn newest(db: &Connection, limit: u32) -> rusqlite::Result<Vec<Action>> {
    db.prepare_cached("SELECT * FROM actions ORDER BY id DESC LIMIT ?1")?
        .query_map([limit], read)?
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Action> {
    Ok(Action {
        time: row.get::<_, At>("time")?.0,
        kind: row.get("kind")?,
        topic: row.get("topic")?,
        correct: row.get("correct")?,
        chance: row.get("chance")?,
        mastery_before: row.get("mastery_before")?,
        mastery: row.get("mastery")?,
        hint: row.get("hint")?,
        error: row.get("error")?,
    })
}

impl ToSql for Kind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.as_str().into())
    }
}

impl FromSql for Kind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let stored = value.as_str()?;
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == stored)
            .ok_or(FromSqlError::InvalidType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{now, testing};

    #[test]
    fn keeps_the_newest_in_order() {
        let mut db = testing::empty();
        let tx = db.transaction().unwrap();
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
            add(&tx, action, 3).unwrap();
        }
        let newest = newest(&tx, 100).unwrap();
        let expected: Vec<Action> = all.into_iter().rev().take(3).collect();
        assert_eq!(newest, expected);
    }
}

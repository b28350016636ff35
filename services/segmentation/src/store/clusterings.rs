//! Clusterings in the database.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;
use utoipa::ToSchema;

use super::json;
use crate::cohorts::{Cohort, Grouping, Member, Run};

/// A clustering without its cohorts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Saved {
    /// Counts up from 1.
    pub(crate) id: i64,
    #[serde(flatten)]
    pub(crate) run: Run,
}

/// A clustering and its cohorts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kept {
    pub(crate) saved: Saved,
    pub(crate) cohorts: Vec<Cohort>,
}

/// A user in a clustering.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) saved: Saved,
    pub(crate) member: Member,
}

pub(super) fn save(tx: &Transaction<'_>, grouping: Grouping, kept: u32) -> rusqlite::Result<Saved> {
    let Grouping {
        run,
        cohorts,
        members,
    } = grouping;
    tx.execute(
        "INSERT INTO clusterings (run) VALUES (?1)",
        [json::text(&run)?],
    )?;
    let id = tx.last_insert_rowid();
    let mut insert = tx.prepare_cached("INSERT INTO cohorts VALUES (?1, ?2, ?3)")?;
    for (position, cohort) in (0_u32..).zip(&cohorts) {
        insert.execute(params![id, position, json::text(cohort)?])?;
    }
    let mut insert = tx.prepare_cached("INSERT INTO members VALUES (?1, ?2, ?3)")?;
    for member in &members {
        insert.execute(params![id, member.user_id, json::text(member)?])?;
    }
    let sql = "DELETE FROM clusterings WHERE id NOT IN
               (SELECT id FROM clusterings ORDER BY id DESC LIMIT ?1)";
    tx.execute(sql, [kept])?;
    Ok(Saved { id, run })
}

pub(super) fn count(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'clusterings'";
    let count = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    Ok(count.unwrap_or(0))
}

pub(super) fn last(connection: &Connection) -> rusqlite::Result<Option<Saved>> {
    let sql = "SELECT id, run FROM clusterings ORDER BY id DESC LIMIT 1";
    let saved = |row: &rusqlite::Row<'_>| {
        Ok(Saved {
            id: row.get(0)?,
            run: json::column(row, 1)?,
        })
    };
    connection.query_row(sql, [], saved).optional()
}

pub(super) fn newest(connection: &Connection) -> rusqlite::Result<Option<Kept>> {
    // One transaction: a clustering saved in between must not take this one's cohorts away.
    let connection = connection.unchecked_transaction()?;
    let Some(saved) = last(&connection)? else {
        return Ok(None);
    };
    let sql = "SELECT cohort FROM cohorts WHERE clustering = ?1 ORDER BY position";
    let mut select = connection.prepare_cached(sql)?;
    let cohorts = select.query_map([saved.id], |row| json::column(row, 0))?;
    let cohorts = cohorts.collect::<rusqlite::Result<_>>()?;
    Ok(Some(Kept { saved, cohorts }))
}

pub(super) fn member(connection: &Connection, user_id: &str) -> rusqlite::Result<Option<Place>> {
    let connection = connection.unchecked_transaction()?;
    let Some(saved) = last(&connection)? else {
        return Ok(None);
    };
    let sql = "SELECT member FROM members WHERE clustering = ?1 AND user_id = ?2";
    let member = connection
        .query_row(sql, params![saved.id, user_id], |row| json::column(row, 0))
        .optional()?;
    Ok(member.map(|member| Place { saved, member }))
}

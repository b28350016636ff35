//! Reads the ledger's tables.

use std::time::SystemTime;

use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde::Serialize;
use utoipa::ToSchema;

use super::book;
use crate::{
    day::{Day, Moment},
    money::Money,
};

/// Where the present day stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Standing {
    pub(crate) day: Day,
    pub(crate) spent: Money,
    pub(crate) reserved: Money,
}

impl Standing {
    /// Returns what is neither spent nor set aside of `ceiling`.
    pub(crate) fn available(&self, ceiling: Money) -> Money {
        ceiling.saturating_sub(self.spent + self.reserved)
    }
}

/// What one day, provider or cohort has spent.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Total {
    /// Dollars spent.
    pub(crate) spent: Money,
    /// Calls and workflows booked.
    pub(crate) count: u64,
    /// Workflows among them that were recorded as failed.
    pub(crate) failed: u64,
    /// Tokens of prompt.
    pub(crate) input_tokens: u64,
    /// Tokens of answer.
    pub(crate) output_tokens: u64,
}

/// A day's total.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct DayTotal {
    /// The day, UTC.
    pub(crate) date: Day,
    #[serde(flatten)]
    pub(crate) total: Total,
}

/// A total by name.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
pub(crate) struct NamedTotal {
    /// Whose total it is.
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) total: Total,
}

/// One line of the ledger.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// When it was booked.
    pub(crate) time: Moment,
    /// The day whose limit it counts against.
    pub(crate) date: Day,
    /// `provider` for a call, `cohort` for a recorded workflow.
    pub(crate) kind: String,
    /// The provider or cohort.
    pub(crate) name: String,
    /// The model that answered.
    pub(crate) model: Option<String>,
    /// The workflow's id, where it has one.
    pub(crate) workflow_id: Option<String>,
    /// Dollars.
    pub(crate) cost: Money,
    /// Tokens of prompt.
    pub(crate) input_tokens: u32,
    /// Tokens of answer.
    pub(crate) output_tokens: u32,
}

/// Everything a cohort ever spent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct CohortFigures {
    pub(crate) spent: Money,
    pub(crate) workflows: u64,
    pub(crate) failed: u64,
    pub(crate) last_time: Moment,
}

/// Returns where the day of `now` stands.
pub(crate) fn standing(conn: &Connection, now: SystemTime) -> Result<Standing> {
    let day = Day::of(now);
    Ok(Standing {
        day,
        spent: book::spent(conn, day)?,
        reserved: book::reserved(conn, day, now.into())?,
    })
}

/// Returns the totals of the days on which something was spent, newest first.
pub(crate) fn days(conn: &Connection, from: Day) -> Result<Vec<DayTotal>> {
    conn.prepare_cached(
        "SELECT spent, count, failed, input_tokens, output_tokens, day FROM totals
         WHERE day >= ?1 AND kind = 'day' ORDER BY day DESC",
    )?
    .query_map([from], |row| {
        Ok(DayTotal {
            date: row.get(5)?,
            total: total(row)?,
        })
    })?
    .collect()
}

/// Returns the newest lines, newest first.
pub(crate) fn entries(conn: &Connection, limit: u32) -> Result<Vec<Entry>> {
    conn.prepare_cached(
        "SELECT time, day, kind, name, model, workflow, amount, input_tokens, output_tokens
         FROM entries ORDER BY id DESC LIMIT ?1",
    )?
    .query_map([limit], |row| {
        Ok(Entry {
            time: row.get(0)?,
            date: row.get(1)?,
            kind: row.get(2)?,
            name: row.get(3)?,
            model: row.get(4)?,
            workflow_id: row.get(5)?,
            cost: row.get(6)?,
            input_tokens: row.get(7)?,
            output_tokens: row.get(8)?,
        })
    })?
    .collect()
}

/// Returns a day's totals of every provider.
pub(crate) fn providers(conn: &Connection, day: Day) -> Result<Vec<NamedTotal>> {
    conn.prepare_cached(
        "SELECT spent, count, failed, input_tokens, output_tokens, name FROM totals
         WHERE day = ?1 AND kind = 'provider' ORDER BY name",
    )?
    .query_map([day], |row| {
        Ok(NamedTotal {
            name: row.get(5)?,
            total: total(row)?,
        })
    })?
    .collect()
}

/// Returns a day's total of one cohort.
pub(crate) fn cohort_on(conn: &Connection, cohort: &str, day: Day) -> Result<Total> {
    let mut query = conn.prepare_cached(
        "SELECT spent, count, failed, input_tokens, output_tokens FROM totals
         WHERE day = ?1 AND kind = 'cohort' AND name = ?2",
    )?;
    let found = query.query_row(params![day, cohort], total).optional()?;
    Ok(found.unwrap_or_default())
}

/// Returns everything a cohort ever spent, if it ever did.
pub(crate) fn cohort(conn: &Connection, cohort: &str) -> Result<Option<CohortFigures>> {
    conn.prepare_cached("SELECT spent, count, failed, last_time FROM cohorts WHERE name = ?1")?
        .query_row([cohort], |row| {
            Ok(CohortFigures {
                spent: row.get(0)?,
                workflows: count(row, 1)?,
                failed: count(row, 2)?,
                last_time: row.get(3)?,
            })
        })
        .optional()
}

/// Reads the columns that every total begins with.
fn total(row: &Row<'_>) -> Result<Total> {
    Ok(Total {
        spent: row.get(0)?,
        count: count(row, 1)?,
        failed: count(row, 2)?,
        input_tokens: count(row, 3)?,
        output_tokens: count(row, 4)?,
    })
}

fn count(row: &Row<'_>, column: usize) -> Result<u64> {
    let count: i64 = row.get(column)?;
    Ok(u64::try_from(count).unwrap_or(0))
}

//! Adds lines to the ledger, keeps the totals up to date and drops what is past keeping.

use std::time::SystemTime;

use rusqlite::{Connection, Result, named_params, params};

use crate::{
    day::{Day, Moment},
    money::Money,
};

/// Totals stop here, far below where SQLite would turn an integer into a float.
pub(super) const TOTAL_MAX: i64 = 9_000_000_000_000_000_000;

/// How much the ledger keeps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retention {
    pub(crate) days: u32,
    pub(crate) entries: u32,
    pub(crate) cohorts: u32,
}

/// One line of the ledger.
pub(super) struct Line<'a> {
    pub(super) day: Day,
    pub(super) kind: &'static str,
    pub(super) name: &'a str,
    pub(super) model: Option<&'a str>,
    pub(super) workflow: Option<&'a str>,
    pub(super) amount: Money,
    pub(super) failed: bool,
    pub(super) input_tokens: u32,
    pub(super) output_tokens: u32,
}

/// Adds a line and brings the totals of its day up to date.
pub(super) fn book(
    conn: &Connection,
    now: SystemTime,
    line: &Line<'_>,
    keep: Retention,
) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO entries
             (time, day, kind, name, model, workflow, amount, input_tokens, output_tokens)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        Moment::from(now),
        line.day,
        line.kind,
        line.name,
        line.model,
        line.workflow,
        line.amount,
        line.input_tokens,
        line.output_tokens,
    ])?;
    let newest = conn.last_insert_rowid();
    conn.prepare_cached("DELETE FROM entries WHERE id <= ?1")?
        .execute([newest - i64::from(keep.entries)])?;
    conn.prepare_cached("DELETE FROM totals WHERE day < ?1")?
        .execute([Day::of(now).before(keep.days)])?;
    for (kind, name) in [("day", ""), (line.kind, line.name)] {
        conn.prepare_cached(
            "INSERT INTO totals
                 (day, kind, name, spent, count, failed, input_tokens, output_tokens)
             VALUES (:day, :kind, :name, :spent, 1, :failed, :input, :output)
             ON CONFLICT (day, kind, name) DO UPDATE SET
                 spent = min(spent + excluded.spent, :max), count = count + 1,
                 failed = failed + excluded.failed,
                 input_tokens = input_tokens + excluded.input_tokens,
                 output_tokens = output_tokens + excluded.output_tokens",
        )?
        .execute(named_params! {
            ":day": line.day,
            ":kind": kind,
            ":name": name,
            ":spent": line.amount,
            ":failed": line.failed,
            ":input": line.input_tokens,
            ":output": line.output_tokens,
            ":max": TOTAL_MAX,
        })?;
    }
    Ok(())
}

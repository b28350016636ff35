//! Adds lines to the ledger, keeps the totals up to date and drops what is past keeping.

use std::time::SystemTime;

use tooloo_query::Query;

use crate::{
    day::{Day, Moment},
    money::Money,
};

/// Totals stop here, far below where the databases run out of integers.
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

/// Returns the statements that add a line and bring the totals of its day up to date.
pub(super) fn booking(now: SystemTime, line: &Line<'_>, keep: Retention) -> [Query; 5] {
    // Numbered here, where one writes at a time, and without gaps, which the sequences of PostgreSQL
    // have: so the newest number tells how many lines there are.
    let entry = Query::new(
        "INSERT INTO entries
             (id, time, day, kind, name, model, workflow, amount, input_tokens, output_tokens)
         VALUES (
             (SELECT coalesce(max(id), 0) + 1 FROM entries), $1, $2, $3, $4, $5, $6, $7, $8, $9
         )",
    );
    let outdated = Query::new("DELETE FROM entries WHERE id <= (SELECT max(id) - $1 FROM entries)");
    [
        entry
            .bind(Moment::from(now))
            .bind(line.day)
            .bind(line.kind)
            .bind(line.name)
            .bind(line.model)
            .bind(line.workflow)
            .bind(line.amount)
            .bind(line.input_tokens)
            .bind(line.output_tokens),
        outdated.bind(keep.entries),
        Query::new("DELETE FROM totals WHERE day < $1").bind(Day::of(now).before(keep.days)),
        total(line, "day", ""),
        total(line, line.kind, line.name),
    ]
}

/// Returns the statement that adds a line to one of its day's totals.
fn total(line: &Line<'_>, kind: &str, name: &str) -> Query {
    Query::new(
        "INSERT INTO totals (day, kind, name, spent, count, failed, input_tokens, output_tokens)
         VALUES ($1, $2, $3, $4, 1, $5, $6, $7)
         ON CONFLICT (day, kind, name) DO UPDATE SET
             spent = CASE WHEN totals.spent + excluded.spent > $8 THEN $8
                          ELSE totals.spent + excluded.spent END,
             count = totals.count + 1,
             failed = totals.failed + excluded.failed,
             input_tokens = totals.input_tokens + excluded.input_tokens,
             output_tokens = totals.output_tokens + excluded.output_tokens",
    )
    .bind(line.day)
    .bind(kind)
    .bind(name)
    .bind(line.amount)
    .bind(line.failed)
    .bind(line.input_tokens)
    .bind(line.output_tokens)
    .bind(TOTAL_MAX)
}

//! Writes to the ledger's tables, each inside one transaction, with the time passed in.

use std::time::{Duration, SystemTime};

use rusqlite::{Connection, OptionalExtension, Result, named_params, params};

use super::posting::{Line, Retention, TOTAL_MAX, book};
use crate::{
    day::{Day, Moment},
    money::Money,
};

/// A wish to set money aside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub(crate) amount: Money,
    /// What may be spent and reserved today, this amount included.
    pub(crate) ceiling: Money,
    /// When the money is free again although nobody gave it back.
    pub(crate) expires_after: Duration,
}

/// Money set aside; it counts on the day it was reserved, whenever it is settled.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Held {
    pub(crate) id: i64,
    pub(crate) day: Day,
}

/// The ceiling does not leave room for an amount.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct OverLimit {
    pub(crate) amount: Money,
    pub(crate) ceiling: Money,
    pub(crate) spent: Money,
    pub(crate) reserved: Money,
}

impl OverLimit {
    /// Says whether there is room once calls that run now turn out to cost less than is reserved.
    pub(crate) fn may_pass(&self) -> bool {
        self.spent + self.amount <= self.ceiling
    }
}

/// What a call turned out to cost.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub(crate) provider: String,
    pub(crate) model: String,
    pub(crate) amount: Money,
    pub(crate) input_tokens: u32,
    pub(crate) output_tokens: u32,
}

/// Money spent by a cohort's workflow.
#[derive(Clone, Debug)]
pub(crate) struct Workflow {
    pub(crate) id: Option<String>,
    pub(crate) cohort: String,
    pub(crate) amount: Money,
    pub(crate) succeeded: bool,
}

/// What became of a workflow's record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Recorded {
    /// It was booked.
    Booked,
    /// It had been booked before, under the same id.
    Duplicate,
    /// The ledger knows as many cohorts as it may.
    TooManyCohorts,
}

/// Sets money aside, if what is spent and reserved today leaves room for it.
///
/// Also drops the reservations that have expired, and returns how many those were.
pub(crate) fn reserve(
    conn: &Connection,
    now: SystemTime,
    ask: &Ask,
) -> Result<(usize, std::result::Result<Held, OverLimit>)> {
    let time = Moment::from(now);
    let expired = conn
        .prepare_cached("DELETE FROM reservations WHERE expires_at <= ?1")?
        .execute([time])?;
    let day = Day::of(now);
    let spent = spent(conn, day)?;
    let reserved = reserved(conn, day, time)?;
    let Ask {
        amount, ceiling, ..
    } = *ask;
    if spent + reserved + amount > ceiling {
        let over = OverLimit {
            amount,
            ceiling,
            spent,
            reserved,
        };
        return Ok((expired, Err(over)));
    }
    let expires_at = Moment::from(now + ask.expires_after);
    conn.prepare_cached("INSERT INTO reservations (day, amount, expires_at) VALUES (?1, ?2, ?3)")?
        .execute(params![day, amount, expires_at])?;
    let id = conn.last_insert_rowid();
    Ok((expired, Ok(Held { id, day })))
}

/// Turns a reservation into spending.
///
/// The charge is booked in full even where the reservation was smaller or has expired: the money
/// is gone either way.
pub(crate) fn settle(
    conn: &Connection,
    now: SystemTime,
    held: Held,
    charge: &Charge,
    keep: Retention,
) -> Result<()> {
    release(conn, held.id)?;
    let line = Line {
        day: held.day,
        kind: "provider",
        name: &charge.provider,
        model: Some(&charge.model),
        workflow: None,
        amount: charge.amount.min(Money::MAX),
        failed: false,
        input_tokens: charge.input_tokens,
        output_tokens: charge.output_tokens,
    };
    book(conn, now, &line, keep)
}

/// Gives a reservation back.
pub(crate) fn release(conn: &Connection, id: i64) -> Result<()> {
    conn.prepare_cached("DELETE FROM reservations WHERE id = ?1")?
        .execute([id])?;
    Ok(())
}

/// Books what a workflow has spent; the same workflow id counts once, as long as its line is kept.
pub(crate) fn record(
    conn: &Connection,
    now: SystemTime,
    workflow: &Workflow,
    keep: Retention,
) -> Result<Recorded> {
    if let Some(id) = &workflow.id {
        let mut known = conn.prepare_cached("SELECT 1 FROM entries WHERE workflow = ?1")?;
        if known.exists([id])? {
            return Ok(Recorded::Duplicate);
        }
    }
    let known = conn
        .prepare_cached("SELECT 1 FROM cohorts WHERE name = ?1")?
        .exists([&workflow.cohort])?;
    let cohorts: u32 = conn.query_row("SELECT count(*) FROM cohorts", [], |row| row.get(0))?;
    if !known && cohorts >= keep.cohorts {
        return Ok(Recorded::TooManyCohorts);
    }
    conn.prepare_cached(
        "INSERT INTO cohorts (name, spent, count, failed, last_time)
         VALUES (:name, :spent, 1, :failed, :time)
         ON CONFLICT (name) DO UPDATE SET
             spent = min(spent + excluded.spent, :max), count = count + 1,
             failed = failed + excluded.failed, last_time = excluded.last_time",
    )?
    .execute(named_params! {
        ":name": workflow.cohort,
        ":spent": workflow.amount,
        ":failed": !workflow.succeeded,
        ":time": Moment::from(now),
        ":max": TOTAL_MAX,
    })?;
    let line = Line {
        day: Day::of(now),
        kind: "cohort",
        name: &workflow.cohort,
        model: None,
        workflow: workflow.id.as_deref(),
        amount: workflow.amount,
        failed: !workflow.succeeded,
        input_tokens: 0,
        output_tokens: 0,
    };
    book(conn, now, &line, keep)?;
    Ok(Recorded::Booked)
}

/// Returns what has been spent on `day`.
pub(crate) fn spent(conn: &Connection, day: Day) -> Result<Money> {
    let mut total = conn
        .prepare_cached("SELECT spent FROM totals WHERE day = ?1 AND kind = 'day' AND name = ''")?;
    let spent = total.query_row([day], |row| row.get(0)).optional()?;
    Ok(spent.unwrap_or_default())
}

/// Returns what is set aside for calls that began on `day`.
pub(crate) fn reserved(conn: &Connection, day: Day, now: Moment) -> Result<Money> {
    conn.prepare_cached(
        "SELECT coalesce(sum(amount), 0) FROM reservations WHERE day = ?1 AND expires_at > ?2",
    )?
    .query_row(params![day, now], |row| row.get(0))
}

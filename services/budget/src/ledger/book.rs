//! Writes to the ledger's tables, each within a transaction, with the time passed in.

use std::time::{Duration, SystemTime};

use database::{StoreError, Transaction};
use tooloo_query::{Query, QueryError, Rows};

use super::{
    figures,
    posting::{Line, Retention, TOTAL_MAX, booking},
};
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
pub(crate) async fn reserve(
    tx: &mut Transaction,
    now: SystemTime,
    ask: &Ask,
) -> Result<(u64, Result<Held, OverLimit>), StoreError> {
    let day = Day::of(now);
    let expired =
        Query::new("DELETE FROM reservations WHERE expires_at <= $1").bind(Moment::from(now));
    let expired = tx.execute(expired).await?;
    let standing = figures::standing(&tx.query_one(figures::standing_query(now)).await?, day)?;
    let Ask {
        amount, ceiling, ..
    } = *ask;
    if standing.spent + standing.reserved + amount > ceiling {
        let over = OverLimit {
            amount,
            ceiling,
            spent: standing.spent,
            reserved: standing.reserved,
        };
        return Ok((expired, Err(over)));
    }
    let reservation = Query::new(
        "INSERT INTO reservations (day, amount, expires_at) VALUES ($1, $2, $3) RETURNING id",
    )
    .bind(day)
    .bind(amount)
    .bind(Moment::from(now + ask.expires_after));
    let id = tx.query_one(reservation).await?.get("id")?;
    Ok((expired, Ok(Held { id, day })))
}

/// Turns a reservation into spending.
///
/// The charge is booked in full even where the reservation was smaller or has expired: the money
/// is gone either way.
pub(crate) async fn settle(
    tx: &mut Transaction,
    now: SystemTime,
    held: Held,
    charge: &Charge,
    keep: Retention,
) -> Result<(), StoreError> {
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
    let mut statements = vec![given_back(held.id)];
    statements.extend(booking(now, &line, keep));
    run(tx, statements).await
}

/// Says whether a reservation is neither settled, nor given back, nor expired.
pub(crate) async fn is_held(tx: &mut Transaction, id: i64) -> Result<bool, StoreError> {
    let held = Query::new("SELECT id FROM reservations WHERE id = $1").bind(id);
    Ok(tx.query_opt(held).await?.is_some())
}

/// Gives a reservation back.
pub(crate) async fn release(tx: &mut Transaction, id: i64) -> Result<(), StoreError> {
    tx.execute(given_back(id)).await?;
    Ok(())
}

/// Books what a workflow has spent; the same workflow id counts once, as long as its line is kept.
pub(crate) async fn record(
    tx: &mut Transaction,
    now: SystemTime,
    workflow: &Workflow,
    keep: Retention,
) -> Result<Recorded, StoreError> {
    let known = Query::new(
        "SELECT EXISTS (SELECT 1 FROM entries WHERE workflow = $1) AS is_booked,
                EXISTS (SELECT 1 FROM cohorts WHERE name = $2) AS is_known,
                (SELECT count(*) FROM cohorts) AS cohorts",
    );
    let known = known
        .bind(workflow.id.as_deref())
        .bind(workflow.cohort.as_str());
    let known = tx.query_one(known).await?;
    if known.get("is_booked")? {
        return Ok(Recorded::Duplicate);
    }
    if !known.get::<bool>("is_known")? && known.get::<u64>("cohorts")? >= keep.cohorts.into() {
        return Ok(Recorded::TooManyCohorts);
    }
    let cohort = Query::new(
        "INSERT INTO cohorts (name, spent, count, failed, last_time)
         VALUES ($1, $2, 1, $3, $4)
         ON CONFLICT (name) DO UPDATE SET
             spent = CASE WHEN cohorts.spent + excluded.spent > $5 THEN $5
                          ELSE cohorts.spent + excluded.spent END,
             count = cohorts.count + 1,
             failed = cohorts.failed + excluded.failed,
             last_time = excluded.last_time",
    );
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
    let mut statements = vec![
        cohort
            .bind(workflow.cohort.as_str())
            .bind(workflow.amount)
            .bind(!workflow.succeeded)
            .bind(Moment::from(now))
            .bind(TOTAL_MAX),
    ];
    statements.extend(booking(now, &line, keep));
    run(tx, statements).await?;
    Ok(Recorded::Booked)
}

fn given_back(id: i64) -> Query {
    Query::new("DELETE FROM reservations WHERE id = $1").bind(id)
}

/// Runs statements that do not need each other's answers.
async fn run(tx: &mut Transaction, statements: Vec<Query>) -> Result<(), StoreError> {
    let answers = tx.query_all(statements).await?;
    answers
        .into_iter()
        .collect::<Result<Vec<Rows>, QueryError>>()?;
    Ok(())
}

//! Reads the ledger's tables.

use std::time::SystemTime;

use database::{StoreError, Transaction};
use serde::Serialize;
use tooloo_query::{ColumnError, Query, Row};
use utoipa::ToSchema;

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

/// Asks where the day of `now` stands, in one statement: what a call moves from the one sum to the other
/// must not be missing in both.
pub(crate) fn standing_query(now: SystemTime) -> Query {
    Query::new(
        "SELECT
             (SELECT spent FROM totals WHERE day = $1 AND kind = 'day' AND name = '') AS spent,
             (SELECT sum(amount) FROM reservations WHERE day = $1 AND expires_at > $2) AS reserved",
    )
    .bind(Day::of(now))
    .bind(Moment::from(now))
}

/// Reads the answer to [`standing_query`].
pub(crate) fn standing(row: &Row, day: Day) -> Result<Standing, ColumnError> {
    let amount = |column| Ok(row.get::<Option<Money>>(column)?.unwrap_or_default());
    Ok(Standing {
        day,
        spent: amount("spent")?,
        reserved: amount("reserved")?,
    })
}

/// Returns the totals of the days on which something was spent, newest first.
pub(crate) async fn days(tx: &mut Transaction, from: Day) -> Result<Vec<DayTotal>, StoreError> {
    let days = Query::new(
        "SELECT day, spent, count, failed, input_tokens, output_tokens FROM totals
         WHERE day >= $1 AND kind = 'day' ORDER BY day DESC",
    );
    let day = |row: &Row| {
        Ok(DayTotal {
            date: row.get("day")?,
            total: total(row)?,
        })
    };
    tx.query(days.bind(from)).await?.iter().map(day).collect()
}

/// Returns the newest lines, newest first.
pub(crate) async fn entries(tx: &mut Transaction, limit: u32) -> Result<Vec<Entry>, StoreError> {
    let entries = Query::new(
        "SELECT time, day, kind, name, model, workflow, amount, input_tokens, output_tokens
         FROM entries ORDER BY id DESC LIMIT $1",
    );
    let entry = |row: &Row| {
        Ok(Entry {
            time: row.get("time")?,
            date: row.get("day")?,
            kind: row.get("kind")?,
            name: row.get("name")?,
            model: row.get("model")?,
            workflow_id: row.get("workflow")?,
            cost: row.get("amount")?,
            input_tokens: row.get("input_tokens")?,
            output_tokens: row.get("output_tokens")?,
        })
    };
    let rows = tx.query(entries.bind(limit)).await?;
    rows.iter().map(entry).collect()
}

/// Returns a day's totals of every provider, by name.
pub(crate) async fn providers(
    tx: &mut Transaction,
    day: Day,
) -> Result<Vec<NamedTotal>, StoreError> {
    let providers = Query::new(
        "SELECT name, spent, count, failed, input_tokens, output_tokens FROM totals
         WHERE day = $1 AND kind = 'provider'",
    );
    let provider = |row: &Row| {
        Ok::<_, StoreError>(NamedTotal {
            name: row.get("name")?,
            total: total(row)?,
        })
    };
    let rows = tx.query(providers.bind(day)).await?;
    let mut providers: Vec<_> = rows.iter().map(provider).collect::<Result<_, _>>()?;
    // Not by the database, which may have an order of its own for texts.
    providers.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(providers)
}

/// Returns a day's total of one cohort.
pub(crate) async fn cohort_on(
    tx: &mut Transaction,
    cohort: &str,
    day: Day,
) -> Result<Total, StoreError> {
    let found = Query::new(
        "SELECT spent, count, failed, input_tokens, output_tokens FROM totals
         WHERE day = $1 AND kind = 'cohort' AND name = $2",
    );
    let found = tx.query_opt(found.bind(day).bind(cohort)).await?;
    let total = found.as_ref().map(total).transpose()?;
    Ok(total.unwrap_or_default())
}

/// Returns everything a cohort ever spent, if it ever did.
pub(crate) async fn cohort(
    tx: &mut Transaction,
    cohort: &str,
) -> Result<Option<CohortFigures>, StoreError> {
    let found = Query::new("SELECT spent, count, failed, last_time FROM cohorts WHERE name = $1");
    let figures = |row: Row| {
        Ok(CohortFigures {
            spent: row.get("spent")?,
            workflows: row.get("count")?,
            failed: row.get("failed")?,
            last_time: row.get("last_time")?,
        })
    };
    tx.query_opt(found.bind(cohort))
        .await?
        .map(figures)
        .transpose()
}

/// Reads the columns that every total has.
fn total(row: &Row) -> Result<Total, ColumnError> {
    Ok(Total {
        spent: row.get("spent")?,
        count: row.get("count")?,
        failed: row.get("failed")?,
        input_tokens: row.get("input_tokens")?,
        output_tokens: row.get("output_tokens")?,
    })
}

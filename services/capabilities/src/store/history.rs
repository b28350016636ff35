//! What happened to operations, in order.

use std::sync::Arc;

use database::{Query, Row, Rows, StoreError, Transaction};
use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::value};
use utoipa::ToSchema;

/// Something that happened to an operation.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Event {
    Activated,
    Deactivated,
    /// A service that was known began to offer it.
    Discovered,
    /// Its service offers it no more.
    Gone,
    /// Its service offers it again.
    Returned,
}

/// An event, and when it was.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Entry {
    /// Counts up from 1.
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// The operation's id.
    capability: String,
    event: Event,
}

/// A part of the history, newest first.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub(crate) struct Page {
    events: Vec<Entry>,
    /// Pass it as `before` to get older events; `null` where there are none.
    next: Option<i64>,
}

/// Returns the statement that adds an event.
pub(super) fn added(capability: &str, event: Event, now: Timestamp) -> Query {
    // Numbered here: a sequence of the database's may leave gaps.
    Query::new(
        "INSERT INTO history (seq, time, capability, event)
         SELECT coalesce(max(seq), 0) + 1, $1, $2, $3 FROM history",
    )
    .bind(now)
    .bind(capability)
    .bind(event.name())
}

/// Forgets all but the newest `kept` events, of which there is at least one.
pub(super) async fn truncate(tx: &mut Transaction, kept: u32) -> Result<(), StoreError> {
    let forget = Query::new("DELETE FROM history WHERE seq <= (SELECT max(seq) FROM history) - $1");
    tx.execute(forget.bind(kept)).await?;
    Ok(())
}

/// Returns the statement that selects a page, and one event more, which tells whether there is a
/// next page.
pub(super) fn select(before: Option<i64>, limit: u32) -> Query {
    Query::new(
        "SELECT seq, time, capability, event FROM history
         WHERE seq < $1 ORDER BY seq DESC LIMIT $2",
    )
    .bind(before.unwrap_or(i64::MAX))
    .bind(i64::from(limit) + 1)
}

/// Reads a page of at most `limit` events from what was selected for it.
pub(super) fn page(rows: &Rows, limit: u32) -> Result<Page, StoreError> {
    let events: Result<Vec<Entry>, StoreError> = rows.iter().map(entry).collect();
    let mut events = events?;
    let shown = usize::try_from(limit).expect("a page is small");
    let more = events.len() > shown;
    events.truncate(shown);
    let next = events.last().filter(|_| more).map(|entry| entry.seq);
    Ok(Page { events, next })
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    let event: Arc<str> = row.get("event")?;
    Ok(Entry {
        seq: row.get("seq")?,
        time: row.get("time")?,
        capability: row.get("capability")?,
        event: Event::named(&event)?,
    })
}

impl Event {
    fn named(name: &str) -> Result<Self, StoreError> {
        let name: value::StrDeserializer<'_, value::Error> = value::StrDeserializer::new(name);
        Self::deserialize(name).map_err(|error| StoreError::invalid(error.to_string()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Activated => "activated",
            Self::Deactivated => "deactivated",
            Self::Discovered => "discovered",
            Self::Gone => "gone",
            Self::Returned => "returned",
        }
    }
}

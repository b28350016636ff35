//! What happened to operations, in order.

use jiff::Timestamp;
use rusqlite::{Connection, Row, Transaction, params, types::Type};
use serde::{Deserialize, Serialize, de::value};
use utoipa::ToSchema;

use super::rows;

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

pub(super) fn add(
    tx: &Transaction<'_>,
    capability: &str,
    event: Event,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "INSERT INTO history (time, capability, event) VALUES (?1, ?2, ?3)";
    let event = event.name();
    tx.prepare_cached(sql)?
        .execute(params![now.to_string(), capability, event])
        .map(drop)
}

/// Forgets all but the newest `kept` events.
pub(super) fn truncate(tx: &Transaction<'_>, kept: u32) -> rusqlite::Result<()> {
    let sql = "DELETE FROM history WHERE seq <= (SELECT max(seq) FROM history) - ?1";
    tx.prepare_cached(sql)?.execute([kept]).map(drop)
}

pub(super) fn page(
    connection: &Connection,
    before: Option<i64>,
    limit: u32,
) -> rusqlite::Result<Page> {
    let sql = "SELECT seq, time, capability, event FROM history
               WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2";
    let mut select = connection.prepare_cached(sql)?;
    // One more than asked for tells whether there is a next page.
    let rows = select.query_map(
        params![before.unwrap_or(i64::MAX), i64::from(limit) + 1],
        entry,
    )?;
    let mut events = rows.collect::<rusqlite::Result<Vec<Entry>>>()?;
    let shown = usize::try_from(limit).expect("a page is small");
    let more = events.len() > shown;
    events.truncate(shown);
    let next = events.last().filter(|_| more).map(|entry| entry.seq);
    Ok(Page { events, next })
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let name: value::StrDeserializer<'_, value::Error> =
        value::StrDeserializer::new(row.get_ref(3)?.as_str()?);
    let event = Event::deserialize(name).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(3, Type::Text, Box::new(error))
    })?;
    Ok(Entry {
        seq: row.get(0)?,
        time: rows::time(row, 1)?,
        capability: row.get(2)?,
        event,
    })
}

impl Event {
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

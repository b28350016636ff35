//! Activates and deactivates operations.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::history::{self, Event};

/// What someone wants of an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wish {
    Activate,
    Deactivate,
}

/// What became of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    Made,
    /// It was so already.
    Unneeded,
    /// No service ever offered such an operation.
    Unknown,
    /// The operation is offered no more, so it cannot be activated.
    Gone,
}

pub(super) fn change(
    tx: &Transaction<'_>,
    id: &str,
    wish: Wish,
    now: Timestamp,
) -> rusqlite::Result<Change> {
    let sql =
        "SELECT active_since IS NOT NULL, gone_since IS NOT NULL FROM capabilities WHERE id = ?1";
    let found = tx
        .prepare_cached(sql)?
        .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((active, gone)): Option<(bool, bool)> = found else {
        return Ok(Change::Unknown);
    };
    let (since, event) = match (wish, active) {
        (Wish::Activate, true) | (Wish::Deactivate, false) => return Ok(Change::Unneeded),
        (Wish::Activate, false) if gone => return Ok(Change::Gone),
        (Wish::Activate, false) => (Some(now.to_string()), Event::Activated),
        (Wish::Deactivate, true) => (None, Event::Deactivated),
    };
    tx.execute(
        "UPDATE capabilities SET active_since = ?2 WHERE id = ?1",
        params![id, since],
    )?;
    history::add(tx, id, event, now)?;
    Ok(Change::Made)
}

//! Activates and deactivates operations.

use database::{Query, StoreError, Transaction};
use jiff::Timestamp;

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

pub(super) async fn change(
    tx: &mut Transaction,
    id: &str,
    wish: Wish,
    now: Timestamp,
) -> Result<Change, StoreError> {
    let select = Query::new(
        "SELECT active_since IS NOT NULL AS active, gone_since IS NOT NULL AS gone
         FROM capabilities WHERE id = $1",
    );
    let Some(found) = tx.query_opt(select.bind(id)).await? else {
        return Ok(Change::Unknown);
    };
    let (since, event) = match (wish, found.get("active")?) {
        (Wish::Activate, true) | (Wish::Deactivate, false) => return Ok(Change::Unneeded),
        (Wish::Activate, false) if found.get("gone")? => return Ok(Change::Gone),
        (Wish::Activate, false) => (Some(now), Event::Activated),
        (Wish::Deactivate, true) => (None, Event::Deactivated),
    };
    let update = Query::new("UPDATE capabilities SET active_since = $1 WHERE id = $2");
    tx.execute(update.bind(since).bind(id)).await?;
    tx.execute(history::added(id, event, now)).await?;
    Ok(Change::Made)
}

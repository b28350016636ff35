//! Takes in what a service offers.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::history::{self, Event};
use crate::operation::Operation;

/// The most operations of a service that are remembered after they are gone; active ones always are.
const REMEMBERED: u32 = 500;

/// What a look at a service gave.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) service: String,
    /// Everything it offers; `None` where that is what it was at the last look.
    pub(crate) operations: Option<Vec<Operation>>,
}

pub(super) fn merge(tx: &Transaction<'_>, seen: &Seen, now: Timestamp) -> rusqlite::Result<()> {
    if let Some(operations) = &seen.operations {
        merge_operations(tx, &seen.service, operations, now)?;
    }
    let sql = "INSERT INTO documents VALUES (?1, ?2)
               ON CONFLICT (service) DO UPDATE SET read = excluded.read";
    tx.prepare_cached(sql)?
        .execute(params![seen.service, now.to_string()])?;
    Ok(())
}

fn merge_operations(
    tx: &Transaction<'_>,
    service: &str,
    operations: &[Operation],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let read_before = tx
        .prepare_cached("SELECT 1 FROM documents WHERE service = ?1")?
        .query_row([service], |_| Ok(()))
        .optional()?
        .is_some();
    let mut missing = known(tx, service)?;
    let mut upsert = tx.prepare_cached(
        "INSERT INTO capabilities VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL, NULL)
         ON CONFLICT (id) DO UPDATE SET
             method = excluded.method, path = excluded.path, summary = excluded.summary,
             callable = excluded.callable, counted = excluded.counted, gone_since = NULL",
    )?;
    for operation in operations {
        let Operation {
            id,
            service,
            method,
            path,
            summary,
            callable,
            counted,
        } = operation;
        let first_seen = now.to_string();
        upsert.execute(params![
            id, service, method, path, summary, callable, counted, first_seen
        ])?;
        match missing.remove(id) {
            Some(true) => history::add(tx, id, Event::Returned, now)?,
            // The first document of a service is no news, operation by operation.
            None if read_before => history::add(tx, id, Event::Discovered, now)?,
            Some(false) | None => {}
        }
    }
    let mut leave = tx.prepare_cached("UPDATE capabilities SET gone_since = ?2 WHERE id = ?1")?;
    for (id, _) in missing.iter().filter(|(_, gone)| !**gone) {
        leave.execute(params![id, now.to_string()])?;
        history::add(tx, id, Event::Gone, now)?;
    }
    let sql = "DELETE FROM capabilities WHERE id IN (
                   SELECT id FROM capabilities
                   WHERE service = ?1 AND gone_since IS NOT NULL AND active_since IS NULL
                   ORDER BY gone_since DESC, id LIMIT -1 OFFSET ?2)";
    tx.prepare_cached(sql)?
        .execute(params![service, REMEMBERED])?;
    Ok(())
}

/// Returns the ids known of a service, each with whether it is gone.
fn known(tx: &Transaction<'_>, service: &str) -> rusqlite::Result<BTreeMap<String, bool>> {
    let sql = "SELECT id, gone_since IS NOT NULL FROM capabilities WHERE service = ?1";
    let mut select = tx.prepare_cached(sql)?;
    let rows = select.query_map([service], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

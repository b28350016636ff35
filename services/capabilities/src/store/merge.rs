//! Takes in what a service offers.

use std::collections::BTreeMap;

use database::{Query, StoreError, Transaction};
use jiff::Timestamp;

use super::{
    execute_all,
    history::{self, Event},
};
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

pub(super) async fn merge(
    tx: &mut Transaction,
    seen: &Seen,
    now: Timestamp,
) -> Result<(), StoreError> {
    if let Some(operations) = &seen.operations {
        merge_operations(tx, &seen.service, operations, now).await?;
    }
    let upsert = Query::new(
        "INSERT INTO documents (service, read) VALUES ($1, $2)
         ON CONFLICT (service) DO UPDATE SET read = excluded.read",
    );
    tx.execute(upsert.bind(&seen.service).bind(now)).await?;
    Ok(())
}

async fn merge_operations(
    tx: &mut Transaction,
    service: &str,
    operations: &[Operation],
    now: Timestamp,
) -> Result<(), StoreError> {
    let select = Query::new("SELECT read FROM documents WHERE service = $1");
    let read_before = tx.query_opt(select.bind(service)).await?.is_some();
    let mut missing = known(tx, service).await?;
    let mut statements = Vec::new();
    for operation in operations {
        statements.push(offered(operation, now));
        let event = match missing.remove(&operation.id) {
            Some(true) => Some(Event::Returned),
            // The first document of a service is no news, operation by operation.
            None if read_before => Some(Event::Discovered),
            Some(false) | None => None,
        };
        statements.extend(event.map(|event| history::added(&operation.id, event, now)));
    }
    for (id, _) in missing.iter().filter(|(_, gone)| !**gone) {
        let leave = Query::new("UPDATE capabilities SET gone_since = $1 WHERE id = $2");
        statements.push(leave.bind(now).bind(id));
        statements.push(history::added(id, Event::Gone, now));
    }
    let forget = Query::new(
        "DELETE FROM capabilities WHERE id IN (
             SELECT ranked.id FROM (
                 SELECT id, row_number() OVER (ORDER BY gone_since DESC, id) AS place
                 FROM capabilities
                 WHERE service = $1 AND gone_since IS NOT NULL AND active_since IS NULL
             ) AS ranked
             WHERE ranked.place > $2)",
    );
    statements.push(forget.bind(service).bind(REMEMBERED));
    execute_all(tx, statements).await
}

/// Returns the statement that notes what a service offers.
fn offered(operation: &Operation, now: Timestamp) -> Query {
    let Operation {
        id,
        service,
        method,
        path,
        summary,
        callable,
        counted,
    } = operation;
    Query::new(
        "INSERT INTO capabilities
             (id, service, method, path, summary, callable, counted, first_seen)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET
             method = excluded.method, path = excluded.path, summary = excluded.summary,
             callable = excluded.callable, counted = excluded.counted, gone_since = NULL",
    )
    .bind(id)
    .bind(service)
    .bind(method)
    .bind(path)
    .bind(summary.as_deref())
    .bind(*callable)
    .bind(*counted)
    .bind(now)
}

/// Returns the ids known of a service, each with whether it is gone.
async fn known(tx: &mut Transaction, service: &str) -> Result<BTreeMap<String, bool>, StoreError> {
    let select = Query::new(
        "SELECT id, gone_since IS NOT NULL AS gone FROM capabilities WHERE service = $1",
    );
    let rows = tx.query(select.bind(service)).await?;
    rows.iter()
        .map(|row| Ok((row.get("id")?, row.get("gone")?)))
        .collect()
}

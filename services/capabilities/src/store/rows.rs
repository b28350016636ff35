//! Operations as rows.

use database::{Row, Rows, StoreError};

use crate::{
    capability::{Known, Probes},
    operation::Operation,
};

/// Makes the statement that selects the operations a filter lets through.
macro_rules! select {
    ($filter:literal) => {
        concat!(
            "SELECT capabilities.id, service, method, path, summary, callable, counted, first_seen,
                 gone_since, active_since,
                 successes, failures, last_latency, last_status, last_error, last_time
             FROM capabilities LEFT JOIN probes ON probes.id = capabilities.id ",
            $filter
        )
    };
}

/// Selects every operation.
pub(super) const ALL: &str = select!("");

/// Selects the operation of an id.
pub(super) const ONE: &str = select!("WHERE capabilities.id = $1");

/// Selects the active operations that can be called as they stand.
pub(super) const CALLABLE: &str =
    select!("WHERE active_since IS NOT NULL AND gone_since IS NULL AND callable");

/// Reads operations, and puts them into the order of their ids, which is not every database's.
pub(super) fn read(rows: &Rows) -> Result<Vec<Known>, StoreError> {
    let read: Result<Vec<Known>, StoreError> = rows.iter().map(known).collect();
    let mut read = read?;
    read.sort_by(|one, other| one.operation.id.cmp(&other.operation.id));
    Ok(read)
}

fn known(row: &Row) -> Result<Known, StoreError> {
    let successes: Option<i64> = row.get("successes")?;
    let probes = |successes| -> Result<Probes, StoreError> {
        Ok(Probes {
            successes,
            failures: row.get("failures")?,
            last_latency: row.get("last_latency")?,
            last_status: row.get("last_status")?,
            last_error: row.get("last_error")?,
            last_time: row.get("last_time")?,
        })
    };
    Ok(Known {
        operation: Operation {
            id: row.get("id")?,
            service: row.get("service")?,
            method: row.get("method")?,
            path: row.get("path")?,
            summary: row.get("summary")?,
            callable: row.get("callable")?,
            counted: row.get("counted")?,
        },
        first_seen: row.get("first_seen")?,
        gone_since: row.get("gone_since")?,
        active_since: row.get("active_since")?,
        probes: successes.map(probes).transpose()?,
    })
}

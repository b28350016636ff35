//! Operations as rows.

use jiff::Timestamp;
use rusqlite::{Connection, Params, Row, types::Type};

use crate::{
    capability::{Known, Probes},
    operation::Operation,
};

/// Returns the operations that `filter` lets through, in the order of their ids.
pub(super) fn select<P: Params>(
    connection: &Connection,
    filter: &str,
    params: P,
) -> rusqlite::Result<Vec<Known>> {
    let sql = format!(
        "SELECT capabilities.id, service, method, path, summary, callable, counted, first_seen,
                gone_since, active_since,
                successes, failures, last_latency, last_status, last_error, last_time
         FROM capabilities LEFT JOIN probes ON probes.id = capabilities.id
         WHERE {filter} ORDER BY capabilities.id"
    );
    let mut select = connection.prepare_cached(&sql)?;
    select.query_map(params, known)?.collect()
}

/// Reads a time.
pub(super) fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    parsed(index, row.get_ref(index)?.as_str()?)
}

fn optional_time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    let text = row.get_ref(index)?.as_str_or_null()?;
    text.map(|text| parsed(index, text)).transpose()
}

fn parsed(index: usize, text: &str) -> rusqlite::Result<Timestamp> {
    text.parse().map_err(|error: jiff::Error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    let probes = match row.get(10)? {
        Some(successes) => Some(Probes {
            successes,
            failures: row.get(11)?,
            last_latency: row.get(12)?,
            last_status: row.get(13)?,
            last_error: row.get(14)?,
            last_time: time(row, 15)?,
        }),
        None => None,
    };
    Ok(Known {
        operation: Operation {
            id: row.get(0)?,
            service: row.get(1)?,
            method: row.get(2)?,
            path: row.get(3)?,
            summary: row.get(4)?,
            callable: row.get(5)?,
            counted: row.get(6)?,
        },
        first_seen: time(row, 7)?,
        gone_since: optional_time(row, 8)?,
        active_since: optional_time(row, 9)?,
        probes,
    })
}

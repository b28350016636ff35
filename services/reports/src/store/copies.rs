//! Each source's last good answer.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params, types::FromSqlError};
use serde_json::{Map, Value};

use super::At;

/// The largest answer that is kept, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// Keeps an answer in the place of the one before; `false` where it is too large to be kept.
pub(crate) fn keep(
    tx: &Transaction<'_>,
    source: &str,
    taken_at: Timestamp,
    data: &str,
) -> rusqlite::Result<bool> {
    if data.len() > MAX_BYTES {
        return Ok(false);
    }
    tx.prepare_cached("REPLACE INTO copies (source, taken_at, data) VALUES (?1, ?2, ?3)")?
        .execute(params![source, At(taken_at), data])?;
    Ok(true)
}

/// Returns the answer that was kept, and when it was taken.
pub(crate) fn last(
    db: &Connection,
    source: &str,
) -> rusqlite::Result<Option<(Timestamp, Map<String, Value>)>> {
    db.prepare_cached("SELECT taken_at, data FROM copies WHERE source = ?1")?
        .query_row([source], |row| {
            let At(taken_at) = row.get(0)?;
            let data =
                serde_json::from_str(row.get_ref(1)?.as_str()?).map_err(FromSqlError::other)?;
            Ok((taken_at, data))
        })
        .optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;

    #[test]
    fn keeps_the_newest_answer_of_each_source_within_a_bound() {
        let mut db = testing::empty();
        let tx = db.transaction().unwrap();
        let taken_at = Timestamp::UNIX_EPOCH;
        assert!(keep(&tx, "a", taken_at, r#"{"n":1}"#).unwrap());
        assert!(keep(&tx, "a", taken_at, r#"{"n":2}"#).unwrap());
        assert!(!keep(&tx, "b", taken_at, &" ".repeat(MAX_BYTES + 1)).unwrap());
        let (_, data) = last(&tx, "a").unwrap().unwrap();
        assert_eq!(data["n"], 2);
        assert_eq!(last(&tx, "b").unwrap(), None);
    }
}

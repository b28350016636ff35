//! Each source's last good answer.

use database::{At, Query, Row, StoreError, Transaction};
use jiff::Timestamp;
use serde_json::{Map, Value};

/// The largest answer that is kept, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// What a source said, and when.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Last {
    pub(crate) taken_at: Timestamp,
    pub(crate) data: Map<String, Value>,
}

/// Keeps an answer in the place of the one before; `None` where it is too large to be kept.
pub(crate) fn keep(source: &str, taken_at: Timestamp, data: &str) -> Option<Query> {
    if data.len() > MAX_BYTES {
        return None;
    }
    let sql = "INSERT INTO copies (source, taken_at, data) VALUES ($1, $2, $3)
               ON CONFLICT (source)
               DO UPDATE SET taken_at = excluded.taken_at, data = excluded.data";
    Some(Query::new(sql).bind(source).bind(At(taken_at)).bind(data))
}

/// Returns for each source the answer that was kept, if any.
pub(crate) async fn last(
    tx: &mut Transaction,
    sources: &[String],
) -> Result<Vec<Result<Option<Last>, StoreError>>, StoreError> {
    let sql = "SELECT taken_at, data FROM copies WHERE source = $1";
    let queries = sources.iter().map(|source| Query::new(sql).bind(source));
    let mut last = Vec::with_capacity(sources.len());
    for answer in tx.query_all(queries).await? {
        last.push(answer?.first().map(read).transpose());
    }
    Ok(last)
}

fn read(row: &Row) -> Result<Last, StoreError> {
    let At(taken_at) = row.get("taken_at")?;
    match row.get("data")? {
        Value::Object(data) => Ok(Last { taken_at, data }),
        _ => Err(StoreError::invalid("a copy that is no object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing;

    #[tokio::test]
    async fn keeps_the_newest_answer_of_each_source_within_a_bound() {
        let (_folder, store) = testing::empty().await;
        let mut tx = store.write().await.unwrap();
        let taken_at = Timestamp::UNIX_EPOCH;
        for data in [r#"{"n":1}"#, r#"{"n":2}"#] {
            let keep = keep("a", taken_at, data).unwrap();
            tx.execute(keep).await.unwrap();
        }
        let large = " ".repeat(MAX_BYTES + 1);
        assert!(keep("b", taken_at, &large).is_none());
        let sources = ["a".to_owned(), "b".to_owned()];
        let last = last(&mut tx, &sources).await.unwrap();
        let last: Vec<_> = last.into_iter().map(Result::unwrap).collect();
        assert_eq!(last[0].as_ref().unwrap().data["n"], 2);
        assert_eq!(last[1], None);
    }
}

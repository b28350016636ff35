//! Names the indexes that a plan lacks.

use std::{collections::BTreeMap, fmt};

use super::{Plan, ask};
use crate::{
    Database, Dialect, Query, QueryError, Value,
    analyze::{Filter, filters},
};

/// An index that would keep a query from reading a large table whole.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct IndexAdvice {
    /// The table.
    pub table: String,
    /// The columns, those that are compared with one value first.
    pub columns: Vec<String>,
}

impl fmt::Display for IndexAdvice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, columns } = self;
        write!(f, "CREATE INDEX ON {table} ({})", columns.join(", "))
    }
}

/// Compares what a plan reads whole with what the query's conditions are about.
pub(crate) async fn advise(
    database: &Database,
    query: &Query,
    plan: &Plan,
) -> Result<Vec<IndexAdvice>, QueryError> {
    let mut advice = Vec::new();
    for found in candidates(&filters(query.text(), database.dialect()), plan) {
        if rows(database, query, &found.table).await? >= database.config().advise_from {
            advice.push(found);
        }
    }
    Ok(advice)
}

fn candidates(filters: &[Filter], plan: &Plan) -> Vec<IndexAdvice> {
    let mut tables: BTreeMap<&str, (Vec<String>, Option<String>)> = BTreeMap::new();
    for filter in filters {
        if !plan.scans.iter().any(|scan| scan.alias == filter.alias) {
            continue;
        }
        let (equal, ranged) = tables.entry(&filter.table).or_default();
        if filter.is_equal && !equal.contains(&filter.column) {
            equal.push(filter.column.clone());
        } else if !filter.is_equal && ranged.is_none() {
            // An index serves one range, behind all that is fixed.
            *ranged = Some(filter.column.clone());
        }
    }
    let tables = tables.into_iter();
    let advice = tables.map(|(table, (mut columns, ranged))| {
        columns.extend(ranged.filter(|ranged| !columns.contains(ranged)));
        IndexAdvice {
            table: table.to_owned(),
            columns,
        }
    });
    advice.collect()
}

/// Returns about how many rows a table has, or as many as matter.
async fn rows(database: &Database, query: &Query, table: &str) -> Result<u64, QueryError> {
    let enough = database.config().advise_from;
    let quoted = format!("\"{}\"", table.replace('"', "\"\""));
    let (text, values) = match database.dialect() {
        // Only as far as it matters: counting reads the table.
        Dialect::Sqlite => (
            format!("SELECT count(*) FROM (SELECT 1 FROM {quoted} LIMIT {enough})"),
            Vec::new(),
        ),
        Dialect::Postgres => (
            "SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass($1::text)".to_owned(),
            vec![Value::from(quoted)],
        ),
    };
    let asked = Query {
        parameters: values,
        ..query.clone()
    };
    let rows = ask(database, text, &asked).await?;
    // Negative in PostgreSQL where nobody has counted yet.
    let count: i64 = rows.first().map_or(Ok(0), |row| row.get(0))?;
    Ok(count.try_into().unwrap_or(0))
}

//! Plans, and what they say about missing indexes.

mod advice;
mod postgres;
mod sqlite;

use std::{fmt, sync::Arc};

pub use self::advice::IndexAdvice;
pub(crate) use self::advice::advise;
use crate::{
    Database, Dialect, ErrorKind, Fingerprint, Query, QueryError, Row,
    backend::{Mode, Purpose},
    query::Text,
};

/// How a database would answer a query, without the query's values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    text: String,
    scans: Vec<Scan>,
}

/// A table that is read whole.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Scan {
    /// The name by which the query knows it.
    pub(crate) alias: String,
}

impl Plan {
    /// Lists the tables that are read whole, by the names that the query has for them.
    pub fn full_scans(&self) -> impl Iterator<Item = &str> {
        self.scans.iter().map(|scan| scan.alias.as_str())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Asks for the plan of a query. It is none of the program's queries, and not counted.
pub(crate) async fn explain(database: &Database, query: &Query) -> Result<Plan, QueryError> {
    let dialect = database.dialect();
    let lead = match dialect {
        Dialect::Sqlite => "EXPLAIN QUERY PLAN ",
        Dialect::Postgres => "EXPLAIN (FORMAT JSON) ",
    };
    if !is_explainable(query.text()) {
        let message = "only statements that read or write rows have a plan";
        return Err(QueryError::new(ErrorKind::Statement, message));
    }
    let text = format!("{lead}{}", query.text());
    let rows = ask(database, text, query).await?;
    match dialect {
        Dialect::Sqlite => sqlite::plan(&rows),
        Dialect::Postgres => postgres::plan(&rows),
    }
}

/// Asks something with the values of a query, without counting it.
async fn ask(database: &Database, text: String, query: &Query) -> Result<Vec<Row>, QueryError> {
    let asked = Query {
        text: Text::Shared(text.into()),
        ..query.clone()
    };
    let mode = Mode {
        in_transaction: false,
        read_only: false,
        max_rows: database.config().max_rows,
    };
    let mut session = database.lease(query.tenant.clone(), Purpose::Read).await?;
    let queries: Arc<[Query]> = Arc::new([asked]);
    let mut outcomes = session.run(queries, mode).await;
    let (result, _) = outcomes.pop().expect("each query has its answer");
    Ok(result?.as_slice().to_vec())
}

fn is_explainable(text: &str) -> bool {
    const EXPLAINABLE: [&str; 6] = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "VALUES"];
    let text = text.trim_start();
    let end = text.find(|part: char| !part.is_ascii_alphabetic());
    let first = &text[..end.unwrap_or(text.len())];
    EXPLAINABLE
        .iter()
        .any(|word| first.eq_ignore_ascii_case(word))
}

/// Takes the values out of a condition of a plan.
fn redacted(condition: &str) -> String {
    Fingerprint::of(condition, Dialect::Postgres).to_string()
}

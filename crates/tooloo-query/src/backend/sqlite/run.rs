//! Runs queries on a connection's own thread.

use std::{sync::Arc, time::Duration};

use rusqlite::{
    CachedStatement, Connection,
    types::{ToSqlOutput, ValueRef},
};

use super::classify::sqlite_error;
use crate::{
    ErrorKind, Query, QueryError, Rows, Value,
    backend::{Mode, Outcome},
};

/// Runs queries in their order; after one that fails, the others are not run.
pub(super) fn run(sqlite: &Connection, queries: &[Query], mode: Mode) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(queries.len());
    let mut failed = false;
    for query in queries {
        if failed {
            let message = "an earlier statement failed";
            let error = QueryError::new(ErrorKind::Aborted, message);
            outcomes.push((Err(error), Duration::ZERO));
            continue;
        }
        let start = tooloo_clock::now();
        let result = answer(sqlite, query, mode);
        failed = result.is_err();
        outcomes.push((result, start.elapsed()));
    }
    outcomes
}

pub(super) fn answer(sqlite: &Connection, query: &Query, mode: Mode) -> Result<Rows, QueryError> {
    let mut statement = sqlite.prepare_cached(query.text()).map_err(sqlite_error)?;
    if mode.read_only && !statement.readonly() {
        let message = "a statement that writes in a read-only transaction";
        return Err(QueryError::new(ErrorKind::Statement, message));
    }
    bind(&mut statement, query.parameters())?;
    let columns: Arc<[Arc<str>]> = statement.column_names().map(Arc::from).collect();
    // A statement that changes no rows leaves the count of the one before.
    let before = sqlite.total_changes();
    let writes = !statement.readonly();
    let mut values = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next().map_err(sqlite_error)? {
        if values.len() == mode.max_rows {
            let message = format!("more than {} rows", mode.max_rows);
            return Err(QueryError::new(ErrorKind::TooManyRows, message));
        }
        let row: rusqlite::Result<Vec<Value>> = (0..columns.len())
            .map(|place| row.get_ref(place).map(value))
            .collect();
        values.push(row.map_err(sqlite_error)?);
    }
    drop(rows);
    let changed = writes && sqlite.total_changes() != before;
    let affected = if changed { sqlite.changes() } else { 0 };
    Ok(Rows::new(columns, values, affected))
}

/// Binds by the numbers of the parameters: SQLite counts names in the order of their first use.
fn bind(statement: &mut CachedStatement<'_>, values: &[Value]) -> Result<(), QueryError> {
    let unfit = |message: String| QueryError::new(ErrorKind::Parameter, message);
    let mut last = 0;
    for place in 1..=statement.parameter_count() {
        let number = statement.parameter_name(place).and_then(number);
        let Some(number) = number else {
            return Err(unfit("a parameter is not named $1 and on".to_owned()));
        };
        last = last.max(number);
        let Some(value) = values.get(number - 1) else {
            return Err(unfit(format!("parameter ${number} has no value")));
        };
        let bound = statement.raw_bind_parameter(place, Bound(value));
        bound.map_err(sqlite_error)?;
    }
    if last < values.len() {
        let count = values.len();
        return Err(unfit(format!("{count} values for {last} parameters")));
    }
    Ok(())
}

fn number(name: &str) -> Option<usize> {
    name.strip_prefix('$')?
        .parse()
        .ok()
        .filter(|number| *number > 0)
}

struct Bound<'a>(&'a Value);

impl rusqlite::ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Bool(value) => ToSqlOutput::Borrowed(ValueRef::Integer((*value).into())),
            Value::Int(value) => ToSqlOutput::Borrowed(ValueRef::Integer(*value)),
            Value::Real(value) => ToSqlOutput::Borrowed(ValueRef::Real(*value)),
            Value::Text(text) | Value::Decimal(text) => {
                ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes()))
            }
            Value::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Array(values) => {
                let json = json(values)
                    .ok_or_else(|| rusqlite::Error::ToSqlConversionFailure(NO_JSON.into()))?;
                ToSqlOutput::Owned(rusqlite::types::Value::Text(json.to_string()))
            }
        })
    }
}

const NO_JSON: &str = "bytes and infinite numbers cannot be in an array";

fn json(values: &[Value]) -> Option<serde_json::Value> {
    let item = |value: &Value| {
        Some(match value {
            Value::Null => serde_json::Value::Null,
            // As a number, like elsewhere in SQLite.
            Value::Bool(value) => i64::from(*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Real(value) => serde_json::Number::from_f64(*value)?.into(),
            Value::Text(text) | Value::Decimal(text) => (**text).into(),
            Value::Bytes(_) => return None,
            Value::Array(values) => json(values)?,
        })
    };
    values.iter().map(item).collect()
}

fn value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        ValueRef::Real(value) => Value::Real(value),
        // SQLite does not check what it is given; what is no UTF-8 would fail every reader.
        ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into()),
        ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec().into()),
    }
}

//! Columns that hold JSON or other text with a meaning.

use std::error::Error;

use rusqlite::{Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};

/// Writes a value into a column.
pub(super) fn text<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// Reads a value from a column.
pub(super) fn column<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    parsed(index, serde_json::from_str(text))
}

/// Says which column a value could not be read from.
pub(super) fn parsed<T, E>(index: usize, value: Result<T, E>) -> rusqlite::Result<T>
where
    E: Error + Send + Sync + 'static,
{
    value.map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })
}

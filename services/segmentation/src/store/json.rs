//! Columns that hold JSON.

use std::sync::Arc;

use database::{Row, StoreError};
use serde::{Serialize, de::DeserializeOwned};

/// Writes a value as a column holds it.
pub(super) fn text<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("numbers, texts and maps by text have a JSON form")
}

/// Reads a value from a column.
pub(super) fn column<T: DeserializeOwned>(row: &Row, name: &str) -> Result<T, StoreError> {
    let text: Arc<str> = row.get(name)?;
    serde_json::from_str(&text)
        .map_err(|error| StoreError::invalid(format!("column {name} holds no such JSON: {error}")))
}

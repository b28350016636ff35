//! What a database answers.

use std::sync::Arc;

use crate::{ColumnError, FromValue, Value};

/// The answer to a query: its rows, and how many rows it changed.
///
/// Clones share the rows.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    columns: Columns,
    list: Arc<[Row]>,
    affected: u64,
}

/// One row; clones share its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    columns: Columns,
    values: Arc<[Value]>,
}

/// The names of columns, in their order.
pub(crate) type Columns = Arc<[Arc<str>]>;

/// What a column can be asked for by: its name or its place, from 0.
pub trait ColumnIndex: sealed::Sealed + Copy {}

mod sealed {
    use super::Row;

    #[expect(unnameable_types, reason = "nobody else is to implement it")]
    pub trait Sealed {
        fn place(&self, row: &Row) -> Option<usize>;
        fn name(&self) -> String;
    }
}

impl Rows {
    pub(crate) fn new(columns: Columns, values: Vec<Vec<Value>>, affected: u64) -> Self {
        let row = |values: Vec<Value>| Row {
            columns: Arc::clone(&columns),
            values: values.into(),
        };
        let list = values.into_iter().map(row).collect();
        Self {
            columns,
            list,
            affected,
        }
    }

    /// Makes an answer of some rows of another.
    pub(crate) fn of(columns: Columns, rows: Vec<Row>) -> Self {
        Self {
            columns,
            list: rows.into(),
            affected: 0,
        }
    }

    pub(crate) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Returns the names of the columns, in their order; a statement that returns no rows has none.
    pub fn column_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(AsRef::as_ref)
    }

    /// Returns how many rows were inserted, updated or deleted; of a statement that only reads, none.
    pub fn affected(&self) -> u64 {
        self.affected
    }

    /// Returns the rows.
    pub fn as_slice(&self) -> &[Row] {
        &self.list
    }

    /// Returns how many rows there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns the first row.
    pub fn first(&self) -> Option<&Row> {
        self.list.first()
    }

    /// Returns the rows, one after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Row> {
        self.list.iter()
    }
}

impl<'a> IntoIterator for &'a Rows {
    type Item = &'a Row;
    type IntoIter = std::slice::Iter<'a, Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Row {
    pub(crate) fn new(columns: &Columns, values: Arc<[Value]>) -> Self {
        debug_assert_eq!(columns.len(), values.len(), "each value has a name");
        Self {
            columns: Arc::clone(columns),
            values,
        }
    }

    /// Reads a column, by its name or its place.
    ///
    /// Where several columns have the name, the first one counts.
    ///
    /// # Errors
    ///
    /// Returns an error where there is no such column, or where its value is no `T`.
    pub fn get<T: FromValue>(&self, column: impl ColumnIndex) -> Result<T, ColumnError> {
        let missing = || ColumnError::missing(column.name());
        let value = column
            .place(self)
            .and_then(|place| self.values.get(place))
            .ok_or_else(missing)?;
        T::from_value(value)
            .ok_or_else(|| ColumnError::mistyped(column.name(), T::EXPECTED, value.kind()))
    }

    /// Returns the values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Returns the names of the columns.
    pub fn column_names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(AsRef::as_ref)
    }
}

impl ColumnIndex for usize {}

impl sealed::Sealed for usize {
    fn place(&self, _: &Row) -> Option<usize> {
        Some(*self)
    }

    fn name(&self) -> String {
        self.to_string()
    }
}

impl ColumnIndex for &str {}

impl sealed::Sealed for &str {
    fn place(&self, row: &Row) -> Option<usize> {
        row.columns.iter().position(|name| **name == **self)
    }

    fn name(&self) -> String {
        (*self).to_owned()
    }
}

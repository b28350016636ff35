//! What is known of the tables.

use std::collections::HashMap;

/// What is known of a database's tables; names are folded to lower case, as both databases do.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    tables: HashMap<String, Table>,
}

/// What is known of one table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Option<u64>,
    columns: HashMap<String, Column>,
    keys: Vec<Vec<String>>,
    indexed: Vec<String>,
}

/// What is known of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Column {
    /// What its values are.
    pub class: Class,
    /// Whether they may be null.
    pub nullable: bool,
}

/// Types that compare with each other without a cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Class {
    /// Whole and fractional numbers.
    Number,
    /// Characters.
    Text,
    /// Truth values.
    Boolean,
    /// Anything else; it is never said to be cast.
    Other,
}

impl Catalogue {
    /// Adds a table, instead of another of the same name.
    #[must_use]
    pub fn with_table(mut self, name: &str, table: Table) -> Self {
        self.tables.insert(name.to_lowercase(), table);
        self
    }

    /// Returns the table of this name.
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(&name.to_lowercase())
    }
}

impl Column {
    /// Makes a column of values that may be null.
    pub fn new(class: Class) -> Self {
        Self {
            class,
            nullable: true,
        }
    }

    /// Says that no value is null.
    #[must_use]
    pub fn not_null(mut self) -> Self {
        self.nullable = false;
        self
    }
}

impl Table {
    /// Says about how many rows there are.
    #[must_use]
    pub fn with_rows(mut self, rows: u64) -> Self {
        self.rows = Some(rows);
        self
    }

    /// Adds a column.
    #[must_use]
    pub fn with_column(mut self, name: &str, column: Column) -> Self {
        self.columns.insert(name.to_lowercase(), column);
        self
    }

    /// Adds a set of columns by which no two rows are alike.
    #[must_use]
    pub fn with_key<'a>(mut self, columns: impl IntoIterator<Item = &'a str>) -> Self {
        self.keys
            .push(columns.into_iter().map(str::to_lowercase).collect());
        self
    }

    /// Adds an expression that has an index of its own, as SQL.
    #[must_use]
    pub fn with_indexed_expression(mut self, expression: &str) -> Self {
        self.indexed.push(expression.to_lowercase());
        self
    }

    /// Returns about how many rows there are, where that is known.
    pub fn rows(&self) -> Option<u64> {
        self.rows
    }

    /// Returns the column of this name.
    pub fn column(&self, name: &str) -> Option<Column> {
        self.columns.get(&name.to_lowercase()).copied()
    }

    /// Says whether rows that agree in these columns are one row.
    pub(super) fn is_key(&self, columns: &[String]) -> bool {
        self.keys
            .iter()
            .any(|key| !key.is_empty() && key.iter().all(|column| columns.contains(column)))
    }

    /// Says whether an expression has an index of its own.
    pub(super) fn is_indexed(&self, expression: &str) -> bool {
        let expression = expression.to_lowercase();
        self.indexed.contains(&expression)
    }
}

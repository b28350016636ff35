//! Why a query failed.

use std::{error, fmt, panic::Location, sync::Arc};

use tooloo_pool::{BoxError, PoolError};

use crate::Fingerprint;

/// A query failed, or was refused.
///
/// It goes to the query that caused it, also where that was asked together with others. What it says of itself holds
/// none of the query's values; its source, which `Debug` shows as well, may. Clones share it.
#[derive(Clone)]
pub struct QueryError {
    inner: Arc<Inner>,
}

struct Inner {
    kind: ErrorKind,
    // What is wrong, without any data.
    message: String,
    sql: Option<Fingerprint>,
    place: Option<&'static Location<'static>>,
    source: Option<BoxError>,
}

/// What kind of failure it was.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Two rows would agree in columns that tell rows apart.
    UniqueViolation,
    /// A row would refer to one that is not there.
    ForeignKeyViolation,
    /// A column that must have a value would have none.
    NotNullViolation,
    /// A row would break a `CHECK`.
    CheckViolation,
    /// Somebody else's lock was in the way for too long.
    Busy,
    /// The transaction ran into another one; all of it may be tried again.
    Serialization,
    /// The statement is none, or names what is not there.
    Statement,
    /// The parameters do not fit the statement.
    Parameter,
    /// A column is not there, or is of another type.
    Column,
    /// A row was expected, and there was none.
    NoRows,
    /// There were more rows than the database's settings allow.
    TooManyRows,
    /// No connection could be had.
    Pool,
    /// The connection broke; whether the statement took effect is unknown.
    Connection,
    /// An earlier statement of the transaction failed, so that only a rollback is left.
    Aborted,
    /// The request has spent its budget of queries.
    OverBudget,
    /// Anything else that the database says.
    Other,
}

impl QueryError {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                message: message.into(),
                sql: None,
                place: None,
                source: None,
            }),
        }
    }

    pub(crate) fn with_source(self, source: impl Into<BoxError>) -> Self {
        self.change(|inner| inner.source = Some(source.into()))
    }

    /// Says which query it was, unless that is known.
    pub(crate) fn with_query(self, sql: &Fingerprint, place: &'static Location<'static>) -> Self {
        self.change(|inner| {
            if inner.sql.is_none() {
                inner.sql = Some(sql.clone());
                inner.place = Some(place);
            }
        })
    }

    fn change(mut self, change: impl FnOnce(&mut Inner)) -> Self {
        // Shared only once it has been handed out.
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            change(inner);
        }
        self
    }

    /// Returns what kind of failure it was.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns the query, without its values.
    pub fn sql(&self) -> Option<&Fingerprint> {
        self.inner.sql.as_ref()
    }

    /// Returns where in the code the query was created.
    pub fn place(&self) -> Option<&'static Location<'static>> {
        self.inner.place
    }

    /// Returns whether two rows would agree in columns that tell rows apart.
    pub fn is_unique_violation(&self) -> bool {
        self.kind() == ErrorKind::UniqueViolation
    }

    /// Returns whether somebody else's lock was in the way for too long.
    pub fn is_busy(&self) -> bool {
        self.kind() == ErrorKind::Busy
    }

    /// Returns whether the same transaction may succeed when it is tried again as a whole, and took no effect.
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            ErrorKind::Busy | ErrorKind::Serialization => true,
            ErrorKind::Pool => self.pool().is_some_and(PoolError::is_temporary),
            _ => false,
        }
    }

    /// Returns the pool's refusal, where no connection could be had.
    pub fn pool(&self) -> Option<&PoolError> {
        self.inner.source.as_ref()?.downcast_ref()
    }
}

impl From<PoolError> for QueryError {
    fn from(error: PoolError) -> Self {
        Self::new(ErrorKind::Pool, "no connection").with_source(error)
    }
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.inner.message)?;
        if let Some(pool) = self.pool() {
            write!(f, ": {pool}")?;
        }
        if let Some(sql) = &self.inner.sql {
            write!(f, ", in `{sql}`")?;
        }
        Ok(())
    }
}

impl fmt::Debug for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryError")
            .field("kind", &self.inner.kind)
            .field("message", &self.inner.message)
            .field("sql", &self.inner.sql)
            .field(
                "source",
                &self.inner.source.as_ref().map(ToString::to_string),
            )
            .finish_non_exhaustive()
    }
}

impl error::Error for QueryError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        let source: &(dyn error::Error + 'static) = &**self.inner.source.as_ref()?;
        Some(source)
    }
}

/// A column is not there, or is of another type.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ColumnError {
    column: String,
    // What was expected and what is there; none where there is no such column.
    types: Option<(&'static str, &'static str)>,
}

impl ColumnError {
    pub(crate) fn missing(column: String) -> Self {
        Self {
            column,
            types: None,
        }
    }

    pub(crate) fn mistyped(column: String, expected: &'static str, found: &'static str) -> Self {
        Self {
            column,
            types: Some((expected, found)),
        }
    }

    /// Returns the column's name, or its place.
    pub fn column(&self) -> &str {
        &self.column
    }
}

impl fmt::Display for ColumnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.types {
            Some((expected, found)) => {
                write!(f, "column {} is not {expected} but {found}", self.column)
            }
            None => write!(f, "there is no column {}", self.column),
        }
    }
}

impl error::Error for ColumnError {}

impl From<ColumnError> for QueryError {
    fn from(error: ColumnError) -> Self {
        Self::new(ErrorKind::Column, error.to_string()).with_source(error)
    }
}

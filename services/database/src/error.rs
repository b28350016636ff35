//! Why the data is not to be had.

use std::{error, fmt, time::Duration};

use tooloo_query::{ColumnError, ErrorKind, QueryError};
use tooloo_service::{Problem, StartError};

/// A store gave no answer, or one that makes no sense.
#[derive(Debug)]
pub struct StoreError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Query(QueryError),
    Invalid(String),
}

/// What a client that came at a bad moment is told to wait.
const RETRY_AFTER: Duration = Duration::from_secs(1);

impl StoreError {
    /// Says what makes no sense of what is stored.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self {
            kind: Kind::Invalid(what.into()),
        }
    }

    /// Returns why a statement failed, where that is it.
    pub fn query(&self) -> Option<&QueryError> {
        match &self.kind {
            Kind::Query(error) => Some(error),
            Kind::Invalid(_) => None,
        }
    }

    /// Says whether the database has too much to do.
    pub fn is_busy(&self) -> bool {
        let Some(error) = self.query() else {
            return false;
        };
        error.is_busy()
            || error
                .pool()
                .is_some_and(tooloo_pool::PoolError::is_temporary)
    }

    /// Says whether two rows would agree in columns that tell rows apart.
    pub fn is_unique_violation(&self) -> bool {
        self.query().is_some_and(QueryError::is_unique_violation)
    }
}

impl From<QueryError> for StoreError {
    fn from(error: QueryError) -> Self {
        if error.kind() == ErrorKind::Column {
            return Self::invalid(error.to_string());
        }
        Self {
            kind: Kind::Query(error),
        }
    }
}

impl From<ColumnError> for StoreError {
    fn from(error: ColumnError) -> Self {
        Self::invalid(error.to_string())
    }
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::new(error)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_busy() {
            return Self::unavailable("store_busy", "the database has too much to do")
                .with_retry_after(RETRY_AFTER);
        }
        tracing::error!(%error, "the database failed");
        match error.kind {
            Kind::Query(_) => Self::unavailable("store_failed", "the database gave no answer"),
            Kind::Invalid(_) => Self::internal("internal_error", "something went wrong here"),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Query(error) => error.fmt(f),
            Kind::Invalid(what) => write!(f, "what is stored makes no sense: {what}"),
        }
    }
}

impl error::Error for StoreError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        error::Error::source(self.query()?)
    }
}

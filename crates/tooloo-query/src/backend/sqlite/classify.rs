//! Tells SQLite's errors apart.

use rusqlite::{Error, ErrorCode, ffi};
use tooloo_pool::sqlite::SqliteError;

use crate::{ErrorKind, QueryError};

pub(super) fn query_error(error: SqliteError) -> QueryError {
    match error {
        SqliteError::Sqlite(error) => sqlite_error(error),
        error => QueryError::new(ErrorKind::Connection, "the connection broke").with_source(error),
    }
}

/// SQLite's own messages name tables and columns; those about syntax may quote the text, and are left to the source.
pub(super) fn sqlite_error(error: Error) -> QueryError {
    let (kind, message) = match &error {
        Error::SqliteFailure(failure, message) => {
            let message = message.clone().unwrap_or_else(|| failure.to_string());
            let kind = kind(*failure);
            match kind {
                ErrorKind::Other if failure.code == ErrorCode::Unknown => {
                    (ErrorKind::Statement, "SQLite rejects it".to_owned())
                }
                kind => (kind, message),
            }
        }
        Error::SqlInputError { .. } => {
            (ErrorKind::Statement, "SQLite cannot prepare it".to_owned())
        }
        Error::MultipleStatement => (ErrorKind::Statement, "more than one statement".to_owned()),
        Error::ToSqlConversionFailure(reason) => (ErrorKind::Parameter, reason.to_string()),
        _ => (ErrorKind::Other, "SQLite fails".to_owned()),
    };
    QueryError::new(kind, message).with_source(error)
}

fn kind(failure: ffi::Error) -> ErrorKind {
    match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => ErrorKind::UniqueViolation,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::ForeignKeyViolation,
        ffi::SQLITE_CONSTRAINT_NOTNULL => ErrorKind::NotNullViolation,
        ffi::SQLITE_CONSTRAINT_CHECK | ffi::SQLITE_CONSTRAINT_DATATYPE => ErrorKind::CheckViolation,
        // What it read has changed: waiting longer would not have helped.
        ffi::SQLITE_BUSY_SNAPSHOT => ErrorKind::Serialization,
        _ => match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => ErrorKind::Busy,
            ErrorCode::TypeMismatch | ErrorCode::ParameterOutOfRange => ErrorKind::Parameter,
            _ => ErrorKind::Other,
        },
    }
}

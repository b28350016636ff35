//! Tells PostgreSQL's errors apart, by SQLSTATE (PostgreSQL documentation, appendix A).

use std::error::Error as _;

use tokio_postgres::{Error, error::SqlState};

use super::{bind::Unfit, read::Unread};
use crate::{ErrorKind, QueryError};

pub(super) fn query_error(error: Error) -> QueryError {
    let (kind, message) = describe(&error);
    QueryError::new(kind, message).with_source(error)
}

fn describe(error: &Error) -> (ErrorKind, String) {
    if let Some(error) = error.as_db_error() {
        let (code, kind) = (error.code(), kind(error.code()));
        let message = match kind {
            // These name constraints, tables and columns; others may quote values.
            ErrorKind::UniqueViolation
            | ErrorKind::ForeignKeyViolation
            | ErrorKind::NotNullViolation
            | ErrorKind::CheckViolation
            | ErrorKind::Busy
            | ErrorKind::Serialization => error.message().to_owned(),
            _ => format!("PostgreSQL rejects it with SQLSTATE {}", code.code()),
        };
        return (kind, message);
    }
    let source = error.source();
    if let Some(unfit) = source.and_then(|source| source.downcast_ref::<Unfit>()) {
        return (ErrorKind::Parameter, unfit.to_string());
    }
    if let Some(unread) = source.and_then(|source| source.downcast_ref::<Unread>()) {
        return (ErrorKind::Column, unread.to_string());
    }
    (ErrorKind::Connection, "the connection broke".to_owned())
}

fn kind(code: &SqlState) -> ErrorKind {
    match *code {
        SqlState::UNIQUE_VIOLATION => ErrorKind::UniqueViolation,
        SqlState::FOREIGN_KEY_VIOLATION => ErrorKind::ForeignKeyViolation,
        SqlState::NOT_NULL_VIOLATION => ErrorKind::NotNullViolation,
        SqlState::CHECK_VIOLATION | SqlState::EXCLUSION_VIOLATION => ErrorKind::CheckViolation,
        SqlState::LOCK_NOT_AVAILABLE => ErrorKind::Busy,
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            ErrorKind::Serialization
        }
        SqlState::IN_FAILED_SQL_TRANSACTION => ErrorKind::Aborted,
        SqlState::READ_ONLY_SQL_TRANSACTION => ErrorKind::Statement,
        _ => match code.code().get(..2) {
            Some("22") => ErrorKind::Parameter,
            Some("42") => ErrorKind::Statement,
            Some("08" | "57") => ErrorKind::Connection,
            _ => ErrorKind::Other,
        },
    }
}

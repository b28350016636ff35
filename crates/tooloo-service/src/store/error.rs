//! Why the database gave no answer.

use std::{error, fmt, io, path::Path, time::Duration};

use rusqlite::ErrorCode;

use crate::Problem;

/// The database gave no answer.
#[derive(Debug)]
pub struct StoreError {
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Busy,
    Closed,
    Panicked,
    Failed(rusqlite::Error),
    Commit(String),
    File {
        what: String,
        cause: Option<Box<dyn error::Error + Send + Sync>>,
    },
}

impl StoreError {
    /// Too many jobs wait.
    pub(super) fn busy() -> Self {
        Self { kind: Kind::Busy }
    }

    /// The thread is gone.
    pub(super) fn closed() -> Self {
        Self { kind: Kind::Closed }
    }

    /// The job panicked.
    pub(super) fn panicked() -> Self {
        Self {
            kind: Kind::Panicked,
        }
    }

    /// The commit that would have made the job last failed.
    pub(super) fn commit(message: String) -> Self {
        Self {
            kind: Kind::Commit(message),
        }
    }

    pub(super) fn thread(cause: io::Error) -> Self {
        let what = "cannot start a database thread".to_owned();
        let cause = Some(cause.into());
        Self {
            kind: Kind::File { what, cause },
        }
    }

    pub(super) fn newer(path: &Path, found: u32, known: u32) -> Self {
        let what = format!(
            "{} has schema version {found}, newer than {known}, the latest this program knows",
            path.display()
        );
        Self {
            kind: Kind::File { what, cause: None },
        }
    }

    pub(super) fn opening(path: &Path, cause: rusqlite::Error) -> Self {
        let path = path.display();
        let what = match cause.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                format!("{path} is no intact SQLite database")
            }
            _ => format!("cannot open the database {path}"),
        };
        Self {
            kind: Kind::File {
                what,
                cause: Some(cause.into()),
            },
        }
    }

    pub(super) fn migrating(path: &Path, version: u32, cause: rusqlite::Error) -> Self {
        let what = format!(
            "cannot bring {} to schema version {version}",
            path.display()
        );
        Self {
            kind: Kind::File {
                what,
                cause: Some(cause.into()),
            },
        }
    }

    /// Says whether the queue was full.
    pub fn is_busy(&self) -> bool {
        matches!(self.kind, Kind::Busy)
    }

    /// Returns what SQLite said of the job itself.
    pub fn sqlite(&self) -> Option<&rusqlite::Error> {
        match &self.kind {
            Kind::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self {
            kind: Kind::Failed(error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        if error.is_busy() {
            return Self::unavailable("store_busy", "the database has too much to do")
                .with_retry_after(Duration::from_secs(1));
        }
        tracing::error!(%error, "the database failed");
        match error.kind {
            Kind::Panicked => Self::internal("internal_error", "something went wrong here"),
            _ => Self::unavailable("store_failed", "the database gave no answer"),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Busy => f.write_str("too many jobs wait for the database"),
            Kind::Closed => f.write_str("the database is closed"),
            Kind::Panicked => f.write_str("a database job panicked"),
            Kind::Failed(error) => error.fmt(f),
            Kind::Commit(message) => write!(f, "the commit failed: {message}"),
            Kind::File {
                what,
                cause: Some(cause),
            } => write!(f, "{what}: {cause}"),
            Kind::File { what, cause: None } => f.write_str(what),
        }
    }
}

impl error::Error for StoreError {}

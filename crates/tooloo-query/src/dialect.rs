//! The databases whose SQL is understood.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A database's own way of writing SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Dialect {
    /// SQLite 3.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

impl Dialect {
    /// Returns the parser's view of the dialect.
    pub(crate) fn grammar(self) -> &'static dyn sqlparser::dialect::Dialect {
        match self {
            Self::Sqlite => &sqlparser::dialect::SQLiteDialect {},
            Self::Postgres => &sqlparser::dialect::PostgreSqlDialect {},
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, UnknownDialect> {
        match name.to_ascii_lowercase().as_str() {
            "sqlite" => Ok(Self::Sqlite),
            "postgres" | "postgresql" => Ok(Self::Postgres),
            _ => Err(UnknownDialect(name.to_owned())),
        }
    }
}

/// A name that is no [`Dialect`]'s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownDialect(String);

impl fmt::Display for UnknownDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "unknown SQL dialect `{}`: expected `sqlite` or `postgres`",
            self.0
        )
    }
}

impl std::error::Error for UnknownDialect {}

//! Looks at SQL before a database does.
//!
//! [`analyze`] finds anti-patterns in a statement by its syntax tree: what reads more than it needs,
//! what no index can serve, and what does not mean what it seems to. A [`Catalogue`] of what is known
//! about the tables sharpens it. A [`Fingerprint`] is what statements have in common that differ in their
//! values alone.
//!
//! ```
//! use tooloo_query::{Dialect, Rule, analyze};
//!
//! let findings = analyze("SELECT id FROM users WHERE name = NULL", Dialect::Postgres)?;
//! assert_eq!(findings[0].rule, Rule::EqualsNull);
//! assert_eq!(findings[0].place.to_string(), "1:28");
//! # Ok::<(), tooloo_query::SyntaxError>(())
//! ```

mod analyze;
mod dialect;
mod fingerprint;

pub use analyze::{
    Catalogue, Class, Column, Finding, Place, Rule, Severity, SyntaxError, Table, analyze,
    analyze_with,
};
pub use dialect::{Dialect, UnknownDialect};
pub use fingerprint::Fingerprint;

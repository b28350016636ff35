//! Asks databases, and finds and fixes what slows them down.
//!
//! A [`Database`] is a tower service of [`Query`] over a pool of connections, the same for SQLite (feature `sqlite`)
//! and PostgreSQL (feature `postgres`): [`Queries`] asks it in words, a [`Transaction`] holds together what belongs
//! together. It times every statement by its [`Fingerprint`], which is what statements have in common that differ in
//! their values alone, keeps the slow ones with their plans, and sees when one request asks the same again and again.
//! Its [handle](Database::handle) shows all that.
//!
//! Around it go layers: [`DeduplicateLayer`] asks identical reads in flight once, [`GatherLayer`] makes one statement
//! of many [`KeyedRead`]s, [`BatchLayer`] commits statements that change rows together. Around a program's requests
//! goes a [`QueryScopeLayer`], which may keep each within a [`Budget`].
//!
//! Without any database, [`analyze`] finds anti-patterns in a statement by its syntax tree: what reads more than it
//! needs, what no index can serve, and what does not mean what it seems to. A [`Catalogue`] of what is known about the
//! tables sharpens it.
//!
//! ```
//! use tooloo_query::{Dialect, Rule, analyze};
//!
//! let findings = analyze("SELECT id FROM users WHERE name = NULL", Dialect::Postgres)?;
//! assert_eq!(findings[0].rule, Rule::EqualsNull);
//! assert_eq!(findings[0].place.to_string(), "1:28");
//! # Ok::<(), tooloo_query::SyntaxError>(())
//! ```

#![cfg_attr(
    not(any(feature = "postgres", feature = "sqlite")),
    allow(dead_code, reason = "the analysis alone asks no database")
)]

mod analyze;
mod backend;
mod background;
mod batch;
mod config;
mod database;
mod deduplicate;
mod dialect;
mod error;
mod explain;
mod fence;
mod figures;
mod fingerprint;
pub mod future;
mod gather;
mod handle;
mod keyed;
mod migrate;
mod monitor;
mod queries;
mod query;
mod row;
mod scope;
mod service;
mod statement;
mod transaction;
mod value;
#[cfg(feature = "sqlite")]
mod writers;

pub use self::{
    analyze::{
        Catalogue, Class, Column, Finding, Place, Rule, Severity, SyntaxError, Table, analyze,
        analyze_with,
    },
    batch::{Batch, BatchConfig, BatchLayer},
    config::DatabaseConfig,
    database::{Database, InvalidUrl},
    deduplicate::{Deduplicate, DeduplicateLayer},
    dialect::{Dialect, UnknownDialect},
    error::{ColumnError, ErrorKind, QueryError},
    explain::{IndexAdvice, Plan},
    fingerprint::Fingerprint,
    gather::{Gather, GatherConfig, GatherLayer},
    handle::{FingerprintSnapshot, QueryFinding, QueryHandle, QuerySnapshot, SlowQuery},
    keyed::KeyedRead,
    migrate::{Migration, MigrationError},
    queries::Queries,
    query::Query,
    row::{ColumnIndex, Row, Rows},
    scope::{Budget, QueryScope, QueryScopeLayer, QueryScopeService},
    transaction::{Begin, Isolation, Transaction},
    value::{FromValue, Value},
};

/// The guide's programs are compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/query.md")]
mod guide {}

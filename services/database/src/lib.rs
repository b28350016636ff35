//! Where the services keep their data: in SQLite files, or in PostgreSQL where the settings name one.
//!
//! A service says what its tables are, in [`Migration`]s, and asks a [`Store`]. It is the same code for both databases.

mod at;
mod error;
mod place;
mod store;
#[cfg(feature = "test-util")]
pub mod testing;

pub use tooloo_query::{Migration, Queries, Query, QueryScopeLayer, Row, Rows, Transaction, Value};

pub use self::{
    at::{At, now},
    error::StoreError,
    store::Store,
};

//! Lends connections, and keeps them good: fair, bounded, checked, and healed after an outage.
//!
//! A [`Pool`] stands over any connector, a tower service that makes a connection of nothing. Whoever waited longest is
//! served first; every wait, check, reset and goodbye has a deadline; what a borrower leaves behind, such as an open
//! transaction, is rolled back before anybody else has the connection. When the other end fails, stale connections are
//! thrown away and new ones made, a few at a time.
//!
//! [`PoolLayer`] gives each HTTP request a connection of its own; it goes innermost in a stack. Without HTTP there is
//! [`Pool::get`]. Connectors for SQLite and PostgreSQL stand behind the features `sqlite` and `postgres`.
//!
//! ```
//! use std::{convert::Infallible, num::NonZeroUsize};
//!
//! use tooloo_pool::{Connection, Pool, PoolConfig, PoolError};
//! use tower::service_fn;
//!
//! struct Line(Vec<&'static str>);
//!
//! impl Connection for Line {
//!     type Error = Infallible;
//!
//!     async fn check(&mut self) -> Result<(), Infallible> {
//!         Ok(())
//!     }
//!
//!     async fn reset(&mut self) -> Result<(), Infallible> {
//!         self.0.clear();
//!         Ok(())
//!     }
//!
//!     fn is_dirty(&self) -> bool {
//!         !self.0.is_empty()
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let connector = service_fn(async |()| Ok::<_, Infallible>(Line(Vec::new())));
//! let config = PoolConfig::new().with_max(NonZeroUsize::MIN);
//! let pool = Pool::new(connector, config);
//!
//! let mut lease = pool.get().await?;
//! lease.0.push("something left behind");
//! drop(lease);
//! // The next borrower has the same connection, clean.
//! let lease = pool.get().await?;
//! assert!(lease.0.is_empty());
//! # drop(lease);
//! # Ok::<(), PoolError>(())
//! # }).unwrap();
//! ```

mod acquire;
mod backend;
mod body;
mod config;
mod connecting;
mod connection;
mod connector;
mod deadlines;
mod encode;
mod error;
mod exchange;
#[cfg(feature = "axum")]
mod extract;
mod figures;
pub mod future;
mod handle;
mod handoff;
mod inner;
mod layer;
mod lease;
mod mend;
mod pool;
mod problem;
mod request;
mod service;
mod state;
mod sync;
mod upkeep;

#[cfg(feature = "postgres")]
pub use self::backend::postgres;
#[cfg(feature = "sqlite")]
pub use self::backend::sqlite;
#[cfg(feature = "axum")]
pub use self::extract::NoPoolLayer;
pub use self::{
    body::PoolBody,
    config::{InvalidShare, Nested, PoolConfig, Share, Times},
    connection::{BoxError, Connection},
    error::{PoolError, Refusal},
    figures::CloseReason,
    handle::{PoolHandle, PoolSnapshot},
    layer::{Anyone, PoolLayer},
    lease::Lease,
    pool::{Pool, Unfinished},
    request::{RequestConnection, RequestLease},
    service::PoolService,
    state::Leak,
};

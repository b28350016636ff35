//! Stops calling what fails: one breaker or one per key, for futures and tower services.
//!
//! A callee in trouble is made worse by more calls, and its callers wait for nothing. A breaker watches the
//! results of calls; when too many fail or are slow it refuses calls at once, and lets a few through
//! now and then to see whether the callee is back.
//!
//! [`CircuitBreaker`] works with any future; [`CircuitBreakerLayer`] puts one around a tower service, such as
//! an HTTP client: outside of timeouts, inside of retries. [`CircuitBreakers`] keeps one for each key.
//!
//! ```
//! use std::{io, num::NonZeroU32, time::Duration};
//!
//! use tooloo_circuit_breaker::{
//!     CircuitBreaker, CircuitBreakerConfig, CircuitBreakerError, CircuitBreakerLayer, Status,
//! };
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let config = CircuitBreakerConfig::new()
//!     .with_consecutive_failures(NonZeroU32::new(2))
//!     .with_open_for(Duration::from_secs(10));
//! let breaker = CircuitBreaker::new(config);
//! let client = CircuitBreakerLayer::new(breaker.clone()).layer(service_fn(|_: &str| async {
//!     Err::<(), _>(io::Error::other("down"))
//! }));
//!
//! for _ in 0..2 {
//!     let error = client.clone().oneshot("hello").await.unwrap_err();
//!     assert!(matches!(error, CircuitBreakerError::Inner(_)));
//! }
//! // Two failures in a row opened the breaker: the service is not called any more.
//! let error = client.oneshot("hello").await.unwrap_err();
//! let refused = error.refused().expect("an open breaker refuses");
//! assert_eq!(refused.status(), Status::Open);
//! assert!(refused.retry_after() <= Some(Duration::from_secs(11)));
//! # });
//! # Ok::<(), io::Error>(())
//! ```

mod admit;
mod breaker;
mod classify;
mod config;
mod encode;
mod error;
mod figures;
pub mod future;
mod gate;
mod handle;
mod keyed;
mod layer;
mod permit;
mod recent;
mod service;
mod state;
mod status;
mod sync;

pub use self::{
    admit::{Admit, Keyed},
    breaker::CircuitBreaker,
    classify::{AnyError, ByStatus, Classify, Ignoring, Outcome},
    config::{
        Backoff, CircuitBreakerConfig, CircuitBreakersConfig, InvalidBackoff, InvalidRate,
        InvalidWindow, Rate, SlowCalls, Window,
    },
    error::{CircuitBreakerError, Refused},
    handle::{CircuitBreakerHandle, CircuitBreakerSnapshot},
    keyed::{CircuitBreakers, CircuitBreakersHandle},
    layer::CircuitBreakerLayer,
    permit::Permit,
    service::CircuitBreakerService,
    status::{Cause, Control, StateChange, Status},
};

/// The guide's programs are compiled and run with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/circuit-breaker.md")]
mod guide {}

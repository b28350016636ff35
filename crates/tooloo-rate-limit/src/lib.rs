//! Limits how often each key may act.
//!
//! [`RateLimitLayer`] goes on a server, outside of whatever should not be reached by a flood, and inside
//! of what counts every request. It answers `429 Too Many Requests` with a problem body and a true
//! `Retry-After`, and tells every client how it stands.
//!
//! ```
//! use std::num::NonZeroU32;
//!
//! use axum::{Router, routing::get};
//! use tooloo_key::TrustedProxies;
//! use tooloo_rate_limit::{Quota, RateLimitConfig, RateLimitLayer, by};
//!
//! let per_client = Quota::per_second(NonZeroU32::new(100).unwrap());
//! let limit = RateLimitLayer::new(
//!     RateLimitConfig::new(per_client.with_burst(NonZeroU32::new(1000).unwrap())),
//!     by::peer(TrustedProxies::default()),
//! );
//! let figures = limit.handle();
//! let app: Router = Router::new()
//!     .route("/hello", get(|| async { "hello" }))
//!     .layer(limit);
//! # drop(app);
//! assert_eq!(figures.active_keys(), 0);
//! ```
//!
//! [`RateLimiter`] does the same without HTTP: see there.

mod backend;
pub mod by;
mod config;
mod cost;
mod current;
mod engine;
mod error;
mod figures;
pub mod future;
mod handle;
mod headers;
mod keys;
mod layer;
mod limiter;
mod policies;
mod pooled;
mod problem;
mod service;
mod standing;
mod state;
mod sync;
mod terms;

#[cfg(feature = "redis")]
pub use self::backend::redis::RedisStore;
pub use self::{
    backend::{Demand, Grant, QuotaStore, StoreError},
    config::{ConfigError, PoliciesConfig, Quota, RateLimitConfig, RouteConfig, Scope, Tier},
    cost::RequestCost,
    error::{KeysFull, RateLimited, Refusal},
    handle::{KeySnapshot, RateLimitHandle, RateLimitSnapshot},
    headers::Headers,
    layer::RateLimitLayer,
    limiter::RateLimiter,
    policies::Policies,
    pooled::{Outage, SharedConfig, SharedRateLimiter},
    service::RateLimit,
    standing::Standing,
};

/// The guide's programs are compiled and run with the tests; one of them asks for Redis.
#[cfg(all(doctest, feature = "redis"))]
#[doc = include_str!("../../../docs/rate-limit.md")]
mod guide {}

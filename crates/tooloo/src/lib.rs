//! Layers that keep tower and axum services fast and up, behind one dependency.
//!
//! Each layer is a crate of its own and stands here behind a feature of its name: turn on what
//! you use, or depend on that crate directly. The vocabulary the layers share is always here.
//!
//! | feature | crate | gives |
//! |---|---|---|
//! | `cache` | `tooloo-cache` | a typed cache and an HTTP cache of tiers: memory, disk, Redis |
//! | `circuit-breaker` | `tooloo-circuit-breaker` | breakers, one or one per key, for futures and services |
//! | `pool` | `tooloo-pool` | connections: fair, bounded, checked, healed; one a request |
//! | `query` | `tooloo-query` | queries over SQLite and PostgreSQL: figures, anti-patterns, fewer statements |
//! | `rate-limit` | `tooloo-rate-limit` | quotas per key, fair waiting, standard headers, shared quotas |
//! | `trace` | `tooloo-trace` | W3C trace context in and out, sampling, latency figures, recent traces |

#[cfg(feature = "cache")]
pub use tooloo_cache as cache;
#[cfg(feature = "circuit-breaker")]
pub use tooloo_circuit_breaker as circuit_breaker;
pub use tooloo_clock as clock;
pub use tooloo_hub as hub;
pub use tooloo_key as key;
#[cfg(feature = "pool")]
pub use tooloo_pool as pool;
#[cfg(feature = "query")]
pub use tooloo_query as query;
#[cfg(feature = "rate-limit")]
pub use tooloo_rate_limit as rate_limit;
#[cfg(feature = "trace")]
pub use tooloo_trace as trace;

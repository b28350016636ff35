//! Limits how often each key may act.
//!
//! [`RateLimiter`] holds a bucket of tokens for each key and decides without HTTP.

mod config;
mod engine;
mod error;
mod figures;
pub mod future;
mod handle;
mod keys;
mod limiter;
mod standing;
mod state;
mod sync;

pub use self::{
    config::{ConfigError, Quota, RateLimitConfig, Scope, Tier},
    error::{KeysFull, RateLimited, Refusal},
    handle::{KeySnapshot, RateLimitHandle, RateLimitSnapshot},
    limiter::RateLimiter,
    standing::Standing,
};

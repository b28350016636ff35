//! How the services ask each other: what stands around every call.
//!
//! The kit's client brings deadlines and tracing, and knows no other layer. What all services put
//! around it in the same way stands here, once.

mod breaker;
mod cache;

pub use self::{
    breaker::guarded,
    cache::{cache, cached},
};

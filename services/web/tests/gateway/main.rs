//! The gateway as its clients and its upstreams see it, through real sockets.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod breakers;
mod caching;
mod failures;
mod fields;
mod framing;
mod limits;
mod stand;
mod streams;

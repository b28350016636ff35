//! What clients and operators of a service see, through real sockets.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where there is nothing to unwrap"
)]

mod anything;
mod caching;
mod config;
mod controls;
mod drain;
mod peers;
mod problems;
mod running;
mod slow_clients;
mod system;

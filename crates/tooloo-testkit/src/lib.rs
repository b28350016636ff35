//! What the workspace's tests share: probes, upstreams under control, sinks and processes.
//!
//! A dev-dependency only; nothing that ships is built from it. Everything here panics with the
//! reason where it is misused or where a wait lasts too long, so that a test fails and never hangs.
//!
//! - [`contract`] puts a layer through tower's laws.
//! - [`Gate`] and [`GatedService`] stop an in-process call until the test lets it go on.
//! - [`Upstream`] is an HTTP server on a real socket that answers what the test says.
//! - [`Collector`] receives OTLP spans over gRPC and HTTP.
//! - [`FleetProcess`] runs the `tooloo` binary, and kills it when dropped.
//! - [`RedisServer`] and [`PostgresServer`] are servers of the test's own, to be killed and started again.
//! - [`Client`] is a plain HTTP client for looking at any of them from outside.

pub mod client;
pub mod collector;
#[expect(
    clippy::missing_panics_doc,
    reason = "a probe panics where its law is broken: that is its job"
)]
pub mod contract;
pub mod fleet;
pub mod gate;
pub mod postgres;
pub mod redis;
pub mod upstream;

pub use self::{
    client::{Client, Reply},
    collector::{Collector, ReceivedSpan},
    contract::Contract,
    fleet::FleetProcess,
    gate::{Gate, GatedService},
    postgres::PostgresServer,
    redis::RedisServer,
    upstream::{Answer, Upstream},
};

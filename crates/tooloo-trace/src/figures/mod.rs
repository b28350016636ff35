//! Figures of every request, sampled or not: counts and latencies by route, method and status.
//!
//! What is written on a request's path are atomics in a shard that belongs to the thread; what is
//! read, for a snapshot or a scrape, adds the shards up.

mod counts;
mod histogram;
mod quantile;
mod route;
mod routes;
mod series;

pub(crate) use self::{
    counts::Counts,
    histogram::{Distribution, SCHEMA},
    quantile::quantile,
    route::{Outcome, Route},
    routes::{RouteId, Routes},
    series::{BOUNDS, Series},
};

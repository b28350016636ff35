//! What every benchmark stands on: a load of requests on a router, jobs to time, and reports of what it
//! cost.

mod bound;
#[cfg(feature = "limits-peers")]
pub mod contenders;
mod counts;
mod load;
mod report;
#[cfg(any(
    feature = "cache-peers",
    feature = "pool-peers",
    feature = "query-peers"
))]
mod rounds;

#[cfg(any(
    feature = "cache-peers",
    feature = "pool-peers",
    feature = "query-peers"
))]
pub use self::rounds::Rounds;
pub use self::{
    bound::Bound,
    counts::{Count, Counts},
    load::{Load, REQUESTS, router},
    report::Report,
};

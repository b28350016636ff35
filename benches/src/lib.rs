//! What every benchmark stands on: a load of requests on a router, jobs to time, and reports of what it
//! cost.

mod bound;
#[cfg(feature = "limits-peers")]
pub mod contenders;
mod counts;
mod load;
mod report;

pub use self::{
    bound::Bound,
    counts::{Count, Counts},
    load::{Load, REQUESTS, router},
    report::Report,
};

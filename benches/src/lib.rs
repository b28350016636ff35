//! What every benchmark stands on: a load of requests on a router, and a report of what it cost.

mod load;
mod report;

pub use self::{
    load::{Load, REQUESTS, router},
    report::Report,
};

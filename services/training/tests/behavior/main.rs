//! The service as its callers see it.

mod caching;
mod call;
mod durability;
mod practice;
mod queries;
mod refusals;

//! The service as its callers see it.

mod call;
mod durability;
mod practice;
mod refusals;

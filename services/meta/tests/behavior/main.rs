//! The service as its callers see it, beside training.

mod caching;
mod fleet;
mod learning;
mod upstream;

//! The service as its callers see it, beside training.

mod fleet;
mod learning;
mod upstream;

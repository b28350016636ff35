//! Asks identical reads that are in flight once.

mod layer;
mod service;
mod state;

pub use self::{layer::DeduplicateLayer, service::Deduplicate};

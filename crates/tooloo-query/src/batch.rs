//! Puts statements that change rows together into one transaction.

mod config;
mod drive;
mod layer;
mod send;
mod service;
mod state;

pub(crate) use self::state::{Lines, UnderWay};
pub use self::{config::BatchConfig, layer::BatchLayer, service::Batch};

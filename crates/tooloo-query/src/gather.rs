//! Gathers reads by key into one statement.

mod batch;
mod drive;
mod groups;
mod layer;
mod service;

pub(crate) use self::groups::Groups;
pub use self::{
    layer::{GatherConfig, GatherLayer},
    service::Gather,
};

//! Layered settings: defaults, then `tooloo.toml`, then `TOOLOO_*` variables, then flags.

mod error;
mod kit;
mod layer;
mod raw;
mod read;
mod source;
mod tree;
mod value;

pub use self::{
    error::ConfigError,
    kit::{KitConfig, LogFormat, OtlpConfig, OtlpProtocol},
    raw::{RawSettings, Settings},
    source::ConfigSource,
};

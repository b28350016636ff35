//! What HTTP caching decides: pure functions over header fields, settings and the time.

pub(crate) mod age;
pub(crate) mod condition;
pub(crate) mod config;
mod date;
pub(crate) mod directive;
mod hop;
pub(crate) mod invalidate;
pub(crate) mod key;
pub(crate) mod labels;
mod list;
mod range;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod reuse;
pub(crate) mod shape;
pub(crate) mod status;
pub(crate) mod storable;
pub(crate) mod stored;
mod targeted;
pub(crate) mod terms;
pub(crate) mod update;
pub(crate) mod vary;

pub(crate) use self::stored::Kind;
pub use self::{
    config::{CacheStatus, CdnHeaders, HttpCacheConfig, QueryRule, Sharing},
    stored::{HttpCodec, StoredResponse},
};

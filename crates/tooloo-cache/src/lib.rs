//! A cache of tiers, memory to disk to Redis: typed, or as an HTTP layer by RFC 9111.

pub mod backend;
mod backplane;
mod body;
mod builder;
mod cache;
mod claim;
mod codec;
mod config;
mod encode;
mod entry;
mod error;
mod exchange;
mod figures;
mod fill;
mod flights;
pub mod future;
mod handle;
mod http;
mod http_cache;
mod inbound;
mod inner;
mod key;
mod layer;
mod ledger;
mod memory;
mod now;
mod progress;
mod purge;
mod service;
mod state;
mod sweep;
mod tier;
mod weigh;

pub use self::{
    backplane::{Backplane, Change, Inbound},
    body::{CacheBody, CacheBodyError},
    builder::CacheBuilder,
    cache::{Cache, Outcome, RefreshPermit},
    claim::{Claim, Follow, Followed, Lead},
    codec::{Codec, Postcard, Raw},
    config::{CacheConfig, MemoryConfig},
    entry::{Entry, EntryOptions, Freshness, Record},
    error::{CodecError, ConfigError, FillError},
    fill::Fill,
    handle::{CacheHandle, CacheSnapshot, TiersSnapshot},
    http::{
        CacheStatus, CdnHeaders, HttpCacheConfig, HttpCodec, QueryRule, Sharing, StoredResponse,
    },
    http_cache::HttpCache,
    key::{CacheKey, LookupKey},
    layer::CacheLayer,
    purge::{Label, Mark, Purge, Target},
    service::CacheService,
    state::rules::{Cause, Rule},
    tier::{Dead, Place, Restored, Stored, Tier, TierFigures},
    weigh::{Shallow, Weigh},
};

//! A cache of tiers, memory to disk to Redis: typed, or as an HTTP layer by RFC 9111.

mod backplane;
mod builder;
mod cache;
mod claim;
mod codec;
mod config;
mod encode;
mod entry;
mod error;
mod figures;
mod fill;
mod flights;
mod handle;
mod inner;
mod key;
mod memory;
mod purge;
mod state;
mod tier;
mod weigh;

pub use self::{
    backplane::{Backplane, Change, Inbound},
    builder::CacheBuilder,
    cache::{Cache, Outcome, RefreshPermit},
    claim::{Claim, Follow, Followed, Lead},
    codec::{Codec, Postcard, Raw},
    config::{CacheConfig, MemoryConfig},
    entry::{Entry, EntryOptions, Freshness, Record},
    error::{CodecError, ConfigError, FillError},
    fill::Fill,
    handle::{CacheHandle, CacheSnapshot, TiersSnapshot},
    key::CacheKey,
    purge::{Label, Mark, Purge, Target},
    state::rules::{Cause, Rule},
    tier::{Dead, Place, Restored, Stored, Tier, TierFigures},
    weigh::{Shallow, Weigh},
};

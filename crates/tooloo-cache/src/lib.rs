//! A cache of tiers, memory to disk to Redis: typed, or as an HTTP layer by RFC 9111.
//!
//! [`Cache`] keeps values by key. It is asked with [`get_or_fill`](Cache::get_or_fill): however many ask for a
//! missing key at once, one fills it, in a task that outlives its asker. Entries expire, may be served stale
//! while they are refreshed or where that fails, and are purged by tag, group or prefix in every tier, at a
//! cost that does not grow with their number. What a fill began before a purge is never served after it.
//!
//! [`CacheLayer`] is a shared or private HTTP cache on top of it, for routers, services and clients. In a
//! stack it is innermost: a hit reaches neither handler nor database.
//!
//! Below the memory, a [`Tier`] keeps entries over restarts or shares them; [`backend`] has one on disk and
//! one in Redis. A [`Backplane`] tells the caches of several processes what changed.
//!
//! ```
//! use std::{convert::Infallible, sync::Arc, time::Duration};
//!
//! use tooloo_cache::{Cache, CacheConfig, EntryOptions, Fill, Purge};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
//! let config = CacheConfig::new()
//!     .with_ttl(Duration::from_secs(60))
//!     .with_stale_while_revalidate(Duration::from_secs(30));
//! let cache: Cache<String, Arc<str>> = Cache::new(config);
//!
//! let fill = || async {
//!     let name: Arc<str> = "Ada".into();
//!     let options = EntryOptions::new().with_tag("user:7");
//!     Ok::<_, Infallible>(Fill::new(name).with_options(options))
//! };
//! let name = cache.get_or_fill(&"users/7".to_owned(), fill).await?;
//! assert_eq!(&**name, "Ada");
//! assert!(cache.get("users/7").await.is_some());
//!
//! // Whatever was made of that user is gone, in every tier.
//! cache.purge(Purge::tag("user:7")).await;
//! assert!(cache.get("users/7").await.is_none());
//! # Ok::<(), tooloo_cache::FillError<Infallible>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
mod sync;
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
    entry::{Entry, EntryOptions, Freshness, LabelSet, Record},
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

/// The guide's programs are compiled with the tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/cache.md")]
mod guide {}

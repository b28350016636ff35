//! Settings of the HTTP half.

mod cdn;
pub(crate) mod fields;
mod query;
mod setters;

use std::{num::NonZeroUsize, time::Duration};

use http::HeaderName;
use serde::Deserialize;

pub use self::{cdn::CdnHeaders, query::QueryRule};
use crate::config::duration;

/// Whose answers a cache keeps.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sharing {
    /// Those for everyone: a cache in front of a service, RFC 9111's shared cache.
    #[default]
    Shared,
    /// Those for its one user: a cache around a client, RFC 9111's private cache.
    Private,
}

/// What is said of the cache's part in an answer, RFC 9211.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CacheStatus {
    /// Nothing.
    Off,
    /// Whether it was a hit, and why not.
    #[default]
    On,
    /// That, and under which key; it shows clients what the cache tells apart.
    WithKey,
}

/// How an HTTP cache decides.
///
/// Reads from any serde format; what is left out has its default, what is unknown or out of range is
/// an error that names it:
///
/// ```
/// # use tooloo_cache::HttpCacheConfig;
/// let config: HttpCacheConfig = toml::from_str(r#"
///     name = "edge"
///     sharing = "shared"                  # or "private"
///     max_body_bytes = 1048576
///     stale_if_error = "1h"
///     query = { sort = true, without = ["utm_source", "utm_medium"] }
///     cdn = { max_age = "10m", stale_while_revalidate = "1m" }
/// "#)?;
/// # drop(config);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct HttpCacheConfig {
    #[serde(deserialize_with = "fields::name")]
    pub(crate) name: Box<str>,
    pub(crate) sharing: Sharing,
    pub(crate) cache_status: CacheStatus,
    #[serde(deserialize_with = "fields::scheme")]
    pub(crate) scheme: Box<str>,
    pub(crate) query: QueryRule,
    pub(crate) max_key_bytes: NonZeroUsize,
    pub(crate) max_body_bytes: NonZeroUsize,
    pub(crate) max_vary: NonZeroUsize,
    pub(crate) max_ranges: NonZeroUsize,
    pub(crate) max_tags: NonZeroUsize,
    pub(crate) max_tag_bytes: NonZeroUsize,
    #[serde(with = "duration::maybe_zero")]
    pub(crate) heuristic_at_most: Duration,
    #[serde(with = "duration::maybe_zero")]
    pub(crate) default_fresh_for: Duration,
    #[serde(with = "duration::maybe_zero")]
    pub(crate) stale_while_revalidate: Duration,
    #[serde(with = "duration::maybe_zero")]
    pub(crate) stale_if_error: Duration,
    #[serde(with = "duration::maybe_zero")]
    pub(crate) keep_for: Duration,
    pub(crate) set_cookie: bool,
    pub(crate) obey_requests: bool,
    #[serde(with = "duration::maybe_zero")]
    pub(crate) finish_for: Duration,
    #[serde(deserialize_with = "fields::names")]
    pub(crate) targets: Vec<HeaderName>,
    #[serde(deserialize_with = "fields::names")]
    pub(crate) unkeyed: Vec<HeaderName>,
    pub(crate) strip_tags: bool,
    pub(crate) cdn: Option<CdnHeaders>,
}

impl Default for HttpCacheConfig {
    fn default() -> Self {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let at_most = |bound| NonZeroUsize::new(bound).expect("a bound above zero");
        Self {
            name: "tooloo".into(),
            sharing: Sharing::default(),
            cache_status: CacheStatus::default(),
            scheme: "http".into(),
            query: QueryRule::default(),
            max_key_bytes: at_most(4096),
            max_body_bytes: at_most(8 << 20),
            max_vary: at_most(16),
            max_ranges: at_most(16),
            max_tags: at_most(128),
            max_tag_bytes: at_most(256),
            heuristic_at_most: hours(24),
            default_fresh_for: Duration::ZERO,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            keep_for: hours(24),
            set_cookie: false,
            obey_requests: true,
            finish_for: Duration::from_secs(30),
            targets: fields::targets(),
            unkeyed: fields::unkeyed(),
            strip_tags: false,
            cdn: None,
        }
    }
}

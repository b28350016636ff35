//! How a program sets what is not the default.

use std::{num::NonZeroUsize, time::Duration};

use http::{HeaderName, uri::Scheme};

use super::{CacheStatus, CdnHeaders, HttpCacheConfig, QueryRule, Sharing, fields};

impl HttpCacheConfig {
    /// A shared cache that goes by what responses say.
    pub fn new() -> Self {
        Self::default()
    }

    /// A private cache, for a client: keeps what is for its one user only.
    pub fn private() -> Self {
        Self {
            sharing: Sharing::Private,
            // Targeted fields are for caches that serve on behalf of the origin.
            targets: Vec::new(),
            ..Self::default()
        }
    }

    /// Names the cache in `Cache-Status`; "tooloo" by default. What a token cannot hold is left out.
    #[must_use]
    pub fn with_name(mut self, name: &str) -> Self {
        if let Some(name) = fields::token(name) {
            self.name = name;
        }
        self
    }

    /// Says whose answers it keeps.
    #[must_use]
    pub fn with_sharing(mut self, sharing: Sharing) -> Self {
        self.sharing = sharing;
        self
    }

    /// Says what `Cache-Status` tells clients.
    #[must_use]
    pub fn with_cache_status(mut self, status: CacheStatus) -> Self {
        self.cache_status = status;
        self
    }

    /// Names the scheme of requests whose target does not; `http` by default.
    #[must_use]
    pub fn with_scheme(mut self, scheme: &Scheme) -> Self {
        self.scheme = scheme.as_str().into();
        self
    }

    /// Says which queries are one; by default those that are written alike.
    #[must_use]
    pub fn with_query(mut self, rule: QueryRule) -> Self {
        self.query = rule;
        self
    }

    /// Passes by requests whose key would be longer; 4 KiB by default.
    #[must_use]
    pub fn with_max_key_bytes(mut self, bytes: NonZeroUsize) -> Self {
        self.max_key_bytes = bytes;
        self
    }

    /// Streams longer bodies through and does not store them; 8 MiB by default.
    #[must_use]
    pub fn with_max_body_bytes(mut self, bytes: NonZeroUsize) -> Self {
        self.max_body_bytes = bytes;
        self
    }

    /// Does not store responses that vary on more fields; 16 by default.
    #[must_use]
    pub fn with_max_vary(mut self, fields: NonZeroUsize) -> Self {
        self.max_vary = fields;
        self
    }

    /// Answers requests for more ranges with the whole; 16 by default.
    #[must_use]
    pub fn with_max_ranges(mut self, ranges: NonZeroUsize) -> Self {
        self.max_ranges = ranges;
        self
    }

    /// Does not store responses with more tags and groups, or longer ones: a purge could not reach them.
    /// 128 of 256 bytes by default.
    #[must_use]
    pub fn with_max_tags(mut self, tags: NonZeroUsize, bytes: NonZeroUsize) -> Self {
        self.max_tags = tags;
        self.max_tag_bytes = bytes;
        self
    }

    /// Guesses no freshness lifetime longer than this, RFC 9111 §4.2.2; a day by default, zero guesses none.
    #[must_use]
    pub fn with_heuristic_at_most(mut self, most: Duration) -> Self {
        self.heuristic_at_most = most;
        self
    }

    /// Takes answers that say nothing of their lifetime for fresh so long; not at all by default.
    #[must_use]
    pub fn with_default_fresh_for(mut self, fresh_for: Duration) -> Self {
        self.default_fresh_for = fresh_for;
        self
    }

    /// Serves answers stale while they are refreshed, where they do not say for how long; not by default.
    #[must_use]
    pub fn with_stale_while_revalidate(mut self, window: Duration) -> Self {
        self.stale_while_revalidate = window;
        self
    }

    /// Serves answers stale where the origin fails, where they do not say for how long; not by default.
    #[must_use]
    pub fn with_stale_if_error(mut self, window: Duration) -> Self {
        self.stale_if_error = window;
        self
    }

    /// Keeps what can be validated for so long after it was fresh; a day by default.
    #[must_use]
    pub fn with_keep_for(mut self, keep_for: Duration) -> Self {
        self.keep_for = keep_for;
        self
    }

    /// Stores responses with `Set-Cookie` as others, cookies and all; not by default.
    #[must_use]
    pub fn with_set_cookie(mut self, stored: bool) -> Self {
        self.set_cookie = stored;
        self
    }

    /// Obeys the cache directives of requests, as it does by default; else clients cannot make it
    /// ask the origin.
    #[must_use]
    pub fn with_obeyed_requests(mut self, obeyed: bool) -> Self {
        self.obey_requests = obeyed;
        self
    }

    /// Goes on for so long, in a task, with what a client asked for and did not wait for, so that the
    /// next one need not ask anew; 30 seconds by default, zero gives up at once.
    #[must_use]
    pub fn with_finish_for(mut self, finish: Duration) -> Self {
        self.finish_for = finish;
        self
    }

    /// Obeys these targeted fields before `Cache-Control`, the first before the next, RFC 9213; by default
    /// `TooLoo-Cache-Control`, which goes no further, and `CDN-Cache-Control`.
    #[must_use]
    pub fn with_targets(mut self, targets: impl IntoIterator<Item = HeaderName>) -> Self {
        self.targets = targets.into_iter().collect();
        self
    }

    /// Tells responses apart by these request fields wherever a request has them, although no response
    /// names them in `Vary`: those that frameworks read a host or a path from. By default
    /// `X-Forwarded-Host` and its like.
    #[must_use]
    pub fn with_unkeyed(mut self, fields: impl IntoIterator<Item = HeaderName>) -> Self {
        self.unkeyed = fields.into_iter().collect();
        self
    }

    /// Takes `Cache-Tag` and `Surrogate-Key` out of answers; by default a cache in front sees them too.
    #[must_use]
    pub fn with_stripped_tags(mut self, stripped: bool) -> Self {
        self.strip_tags = stripped;
        self
    }

    /// Tells a CDN in front how long to keep answers that do not tell it themselves; nothing by default.
    #[must_use]
    pub fn with_cdn(mut self, cdn: impl Into<Option<CdnHeaders>>) -> Self {
        self.cdn = cdn.into();
        self
    }
}

//! An HTTP cache without a service: stored responses, and how they are found, shown and purged.

use std::{fmt, sync::Arc, time::Duration};

use http::{HeaderMap, Method, Response, Uri};
use http_body::Body;

use crate::{
    Cache, CacheBody, CacheBuilder, CacheConfig, CacheHandle, Entry, Purge,
    http::{
        HttpCacheConfig, Kind, StoredResponse,
        key::PrimaryKey,
        labels::Labels,
        shape::{self, Part},
        status::Handled,
        stored::{Head, Whole},
        vary::{Marker, Unkeyed},
    },
};

/// Stored responses, and the settings that decide about them.
///
/// Clones share all of it. A [`CacheLayer`](crate::CacheLayer) puts it in front of a service; beside that it
/// purges, over all variants of a response and in all tiers.
#[derive(Clone)]
pub struct HttpCache {
    cache: Cache<Arc<str>, StoredResponse>,
    config: Arc<HttpCacheConfig>,
    unkeyed: Unkeyed,
}

/// What is stored for a request.
#[derive(Debug)]
pub(crate) struct Selection {
    /// What the responses of the target vary on, where they do.
    pub(crate) marker: Option<Marker>,
    /// The key of the response that the request selects.
    pub(crate) key: Arc<str>,
    pub(crate) found: Option<Entry<StoredResponse>>,
}

/// How a stored response is sent.
pub(crate) struct Sending<'a> {
    pub(crate) method: &'a Method,
    pub(crate) request: &'a HeaderMap,
    pub(crate) key: &'a PrimaryKey,
    pub(crate) age: Duration,
    pub(crate) handled: Handled,
}

impl HttpCache {
    /// Creates a cache that has memory only, with the default bounds.
    pub fn new(config: HttpCacheConfig) -> Self {
        Self::with_cache(Self::builder(CacheConfig::default()).build(), config)
    }

    /// Begins the cache of responses beneath, with the bounds and tiers that it is to have.
    pub fn builder(config: CacheConfig) -> CacheBuilder<Arc<str>, StoredResponse> {
        let weigh = |key: &Arc<str>, response: &StoredResponse| key.len() as u64 + response.bytes();
        Cache::builder(config).with_weigher(weigh)
    }

    /// Keeps responses in a cache that was [built](Self::builder) before.
    pub fn with_cache(cache: Cache<Arc<str>, StoredResponse>, config: HttpCacheConfig) -> Self {
        Self {
            cache,
            unkeyed: Unkeyed::of(&config),
            config: Arc::new(config),
        }
    }

    /// Returns the cache of responses beneath.
    pub fn cache(&self) -> &Cache<Arc<str>, StoredResponse> {
        &self.cache
    }

    /// Returns a read-only view.
    pub fn handle(&self) -> CacheHandle {
        self.cache.handle()
    }

    /// Purges the responses of a target, all variants of it; softly, they become stale.
    ///
    /// The URI is absolute. Returns whether it can be the key of anything: one without a host cannot.
    pub async fn purge_uri(&self, uri: &Uri, soft: bool) -> bool {
        let Some(key) = PrimaryKey::of_uri(uri, &self.config) else {
            return false;
        };
        self.purge(Purge::prefix(key.as_str()), soft).await;
        true
    }

    /// Purges the responses whose absolute URI begins so, such as `http://a.example/images/`.
    pub async fn purge_prefix(&self, prefix: &str, soft: bool) {
        self.purge(Purge::prefix(prefix), soft).await;
    }

    /// Purges the responses with this tag, from `Cache-Tag` or `Surrogate-Key`.
    pub async fn purge_tag(&self, tag: &str, soft: bool) {
        self.purge(Purge::tag(tag), soft).await;
    }

    /// Purges the responses in this group of an origin, such as `http://a.example`, RFC 9875.
    ///
    /// Returns whether the origin is one.
    pub async fn purge_group(&self, origin: &Uri, group: &str, soft: bool) -> bool {
        let Some(key) = PrimaryKey::of_uri(origin, &self.config) else {
            return false;
        };
        self.purge(Purge::group(key.group(group)), soft).await;
        true
    }

    async fn purge(&self, purge: Purge, soft: bool) {
        let purge = if soft { purge.soft() } else { purge };
        self.cache.purge(purge).await;
    }

    pub(crate) fn config(&self) -> &HttpCacheConfig {
        &self.config
    }

    /// Finds in memory the response that a request selects.
    #[inline]
    pub(crate) fn find_in_memory(
        &self,
        key: &PrimaryKey,
        request: &HeaderMap,
    ) -> Option<Entry<StoredResponse>> {
        let first = self.cache.lookup_in_memory(key.as_str())?;
        let StoredResponse(Kind::Varies(marker)) = &*first else {
            let strange = self.unkeyed.are_in(request, &self.config);
            return (!strange).then_some(first);
        };
        let variant = marker.key(key.as_str(), request, &self.config)?;
        self.cache.lookup_in_memory(variant.as_str())
    }

    /// Finds in memory what a request selects; `None` where the key would be too long.
    pub(crate) fn select_in_memory(
        &self,
        key: &PrimaryKey,
        request: &HeaderMap,
    ) -> Option<Selection> {
        let first = self.cache.lookup_in_memory(key.as_str());
        let mut selection = self.select(key, request, first)?;
        if selection.marker.is_some() {
            selection.found = self.cache.lookup_in_memory(&selection.key);
        }
        Some(selection)
    }

    /// Finds in any tier what a request selects; `None` where the key would be too long.
    pub(crate) async fn select_anywhere(
        &self,
        key: &PrimaryKey,
        request: &HeaderMap,
    ) -> Option<Selection> {
        let first = self.cache.lookup(key.as_str()).await;
        let mut selection = self.select(key, request, first)?;
        if selection.marker.is_some() {
            selection.found = self.cache.lookup(&selection.key).await;
        }
        Some(selection)
    }

    fn select(
        &self,
        key: &PrimaryKey,
        request: &HeaderMap,
        first: Option<Entry<StoredResponse>>,
    ) -> Option<Selection> {
        let Some(StoredResponse(Kind::Varies(marker))) = first.as_deref() else {
            // Whoever stored it sent no such field: it may be no answer to those who do.
            let found = first.filter(|_| !self.unkeyed.are_in(request, &self.config));
            return Some(Selection {
                marker: None,
                key: key.to_owned(),
                found,
            });
        };
        let variant = marker.key(key.as_str(), request, &self.config)?;
        Some(Selection {
            marker: Some(marker.clone()),
            key: variant.into(),
            found: None,
        })
    }

    /// Makes an answer of a stored response.
    pub(crate) fn answer<B: Body>(
        &self,
        whole: &Whole,
        sending: &Sending<'_>,
    ) -> Response<CacheBody<B>> {
        let (mut response, part) = self.begin(&whole.head, Some(&whole.body), sending);
        *response.body_mut() = CacheBody::whole(match part {
            Part::Whole => whole.body.clone(),
            Part::Nothing => bytes::Bytes::new(),
            Part::These(bytes) => bytes,
        });
        response
    }

    /// Makes an answer that has no body yet, of a response whose body may still be coming.
    pub(crate) fn begin<B: Body>(
        &self,
        head: &Head,
        body: Option<&bytes::Bytes>,
        sending: &Sending<'_>,
    ) -> (Response<CacheBody<B>>, Part) {
        let shape = shape::shape(head, body, sending.method, sending.request, &self.config);
        let mut response = Response::new(CacheBody::default());
        *response.status_mut() = shape.status;
        *response.headers_mut() = shape.headers;
        let headers = response.headers_mut();
        shape::date(headers, sending.age, &self.config);
        let key = sending.key.uri();
        sending.handled.write(headers, Some(key), &self.config);
        (response, shape.part)
    }

    /// Purges the groups of an origin that an answer invalidates.
    pub(crate) async fn invalidate_groups(&self, headers: &HeaderMap, key: &PrimaryKey) {
        let groups = Labels::invalidated(headers, key);
        for group in groups.into_iter().take(self.config.max_tags.get()) {
            self.cache.purge(Purge::group(group)).await;
        }
    }
}

impl fmt::Debug for HttpCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCache")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

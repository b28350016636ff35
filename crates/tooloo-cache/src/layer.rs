//! Makes [`CacheService`]s that share their stored responses.

use tower_layer::Layer;

use crate::{CacheHandle, CacheService, HttpCache, HttpCacheConfig};

/// Answers HTTP requests from stored responses, by RFC 9111, and stores what may be.
///
/// All services made by one layer, and their clones, share what is stored. It goes around a service, such as
/// an axum router, as a shared cache; with [`HttpCacheConfig::private`] around a client, as its private one.
///
/// Inside it stands what a hit is to be spared; outside of it what is to see every request, such as tracing
/// and limits. It stores bodies as they pass it, so what compresses them stands outside as well, unless each
/// encoding is to be stored.
///
/// It needs a Tokio runtime to store bodies that come by and by, and to refresh behind answers.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, header};
/// use http_body_util::Full;
/// use tooloo_cache::{CacheLayer, HttpCacheConfig};
/// use tower::{Layer, ServiceExt, service_fn};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let site = CacheLayer::new(HttpCacheConfig::new()).layer(service_fn(|_: Request<()>| async {
///     let page = Response::builder().header(header::CACHE_CONTROL, "max-age=60");
///     page.body(Full::<Bytes>::from("Hello"))
/// }));
/// let request = || Request::get("/").header(header::HOST, "a.example").body(());
///
/// let miss = site.clone().oneshot(request()?).await?;
/// assert_eq!(miss.headers()["cache-status"], "tooloo; fwd=uri-miss; fwd-status=200; ttl=60; stored");
/// let hit = site.clone().oneshot(request()?).await?;
/// assert_eq!(hit.headers()["cache-status"], "tooloo; hit; ttl=60");
/// # Ok::<(), http::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Clone, Debug)]
pub struct CacheLayer {
    http: HttpCache,
}

impl CacheLayer {
    /// Creates a layer that keeps responses in memory, within the default bounds.
    pub fn new(config: HttpCacheConfig) -> Self {
        Self::with_cache(HttpCache::new(config))
    }

    /// Creates a layer over a cache that others may share.
    pub fn with_cache(http: HttpCache) -> Self {
        Self { http }
    }

    /// Returns the cache, to purge what is stored.
    pub fn http_cache(&self) -> &HttpCache {
        &self.http
    }

    /// Returns a read-only view, to keep when the layer moves into a stack.
    pub fn handle(&self) -> CacheHandle {
        self.http.handle()
    }
}

impl<S> Layer<S> for CacheLayer {
    type Service = CacheService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        CacheService::new(inner, self.http.clone())
    }
}

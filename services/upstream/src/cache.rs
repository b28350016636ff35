//! Keeping answers for as long as their services say.

use std::{fmt, sync::Arc};

use axum::body::Body;
use http::{Response, Uri};
use tooloo_cache::{
    CacheBody, CacheConfig, CacheLayer, HttpCache, HttpCacheConfig, HttpCodec,
    backend::{Redis, RedisConfig},
};
use tooloo_service::{CachePurge, CacheTarget, Kit, KitConfig, Peer, StartError};
use tower::ServiceBuilder;

/// Makes the service's cache of answers: in memory, and in the Redis of `redis_url` where there is one.
///
/// It is shown as `cache`, and purged by an administrator: by absolute URLs, or by paths and groups of
/// `origins`. Without any, the origin is the one that the administrator calls the service by.
///
/// # Errors
///
/// Returns a [`StartError`] where the Redis's address makes no sense. Whether it answers is seen later.
pub fn cache(
    kit: &mut Kit,
    config: &KitConfig,
    store: CacheConfig,
    http: HttpCacheConfig,
    origins: impl IntoIterator<Item = Uri>,
) -> Result<HttpCache, StartError> {
    let mut builder = HttpCache::builder(store);
    if let Some(url) = &config.redis_url {
        let prefix = format!("tooloo:{}:answers", kit.identity().name);
        let shared = RedisConfig::new(url.expose()).with_prefix(prefix);
        let redis = Redis::new(shared).map_err(StartError::new)?;
        builder = builder
            .with_tier(redis.tier(HttpCodec::new(http.clone())))
            .with_backplane(redis.backplane());
    }
    let cache = HttpCache::with_cache(builder.build(), http);
    let (by_hand, origins) = (cache.clone(), origins.into_iter().collect::<Arc<[Uri]>>());
    kit.cache(cache.handle(), move |wanted| {
        purge(by_hand.clone(), Arc::clone(&origins), wanted)
    });
    Ok(cache)
}

/// Returns `peer`, whose answers are kept as long as it says.
///
/// What is kept is given again without a call: a breaker inside does not see it.
#[must_use]
pub fn cached(peer: Peer, cache: &HttpCache) -> Peer {
    let layer = ServiceBuilder::new()
        .map_response(|answer: Response<CacheBody<Body>>| answer.map(Body::new))
        .layer(CacheLayer::with_cache(cache.clone()));
    peer.layered(&layer, |error| error)
}

/// A URL that is not one that this cache could know.
#[derive(Debug)]
struct NoUrl(String);

async fn purge(
    cache: HttpCache,
    origins: Arc<[Uri]>,
    CachePurge {
        target,
        soft,
        origin,
        ..
    }: CachePurge,
) -> Result<(), NoUrl> {
    let asked = origin.and_then(|origin| origin.parse::<Uri>().ok());
    let origins: Vec<Uri> = if origins.is_empty() {
        asked.into_iter().collect()
    } else {
        origins.to_vec()
    };
    match target {
        CacheTarget::Key(key) => {
            for url in absolute(&key, &origins) {
                let uri: Uri = url.parse().map_err(|_| NoUrl(url.clone()))?;
                if !cache.purge_uri(&uri, soft).await {
                    return Err(NoUrl(url));
                }
            }
        }
        CacheTarget::Prefix(prefix) => {
            for prefix in absolute(&prefix, &origins) {
                cache.purge_prefix(&prefix, soft).await;
            }
        }
        CacheTarget::Tag(tag) => cache.purge_tag(&tag, soft).await,
        CacheTarget::Group(group) => {
            for origin in &origins {
                cache.purge_group(origin, &group, soft).await;
            }
        }
        other => return Err(NoUrl(format!("{other:?}"))),
    }
    Ok(())
}

/// Puts every origin before a path; leaves what is absolute already.
fn absolute(text: &str, origins: &[Uri]) -> Vec<String> {
    if !text.starts_with('/') {
        return vec![text.to_owned()];
    }
    let origins = origins.iter().map(Uri::to_string);
    origins
        .map(|origin| format!("{}{text}", origin.trim_end_matches('/')))
        .collect()
}

impl fmt::Display for NoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no absolute URL and no path", self.0)
    }
}

//! `POST /api/v1/system/cache/purge`: makes a cache forget.

use std::{fmt, sync::Arc};

use axum::extract::State;
use futures_util::future::BoxFuture;
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tooloo_hub::Observe;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shown;
use crate::{Admin, Answer, Problem, extract::Json};

/// The longest name of a group, a tag or a prefix, in bytes: a cache remembers what was purged.
const LONGEST_NAME: usize = 4096;

/// Purges, and returns the cache's figures.
pub(super) type PurgeCache =
    Arc<dyn Fn(CachePurge) -> BoxFuture<'static, Result<Value, Problem>> + Send + Sync>;

/// What an administrator wants a cache to forget.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CachePurge {
    /// Which entries.
    pub target: CacheTarget,
    /// Whether they stay as stale ones, to be given where nothing better is to be had.
    pub soft: bool,
    /// The origin that the administrator has called, such as `http://127.0.0.1:3000`.
    pub origin: Option<String>,
}

/// Which entries of a cache are meant.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum CacheTarget {
    /// The entry of this key: a URL, or what else the service goes by.
    Key(String),
    /// The entries whose keys begin so.
    Prefix(String),
    /// The entries with this tag.
    Tag(String),
    /// The entries in this group.
    Group(String),
}

/// A purge: exactly one of `key`, `prefix`, `tag` and `group`.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CachePurge)]
struct PurgeRequest {
    /// A URL, or what else the service goes by.
    key: Option<String>,
    /// How keys begin.
    prefix: Option<String>,
    tag: Option<String>,
    group: Option<String>,
    /// Leaves entries as stale ones.
    #[serde(default)]
    soft: bool,
}

/// The cache after a purge.
#[derive(Serialize, ToSchema)]
struct Forgotten {
    purged: CacheTarget,
    soft: bool,
    /// What `cache` of the observability has.
    #[schema(value_type = Object)]
    cache: Value,
}

pub(super) fn by_hand<H, E, F, Fut>(handle: H, purge: F) -> PurgeCache
where
    H: Observe,
    E: fmt::Display,
    F: Fn(CachePurge) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
{
    let handle = Arc::new(handle);
    Arc::new(move |wanted| {
        let (handle, purging) = (Arc::clone(&handle), purge(wanted));
        Box::pin(async move {
            let purged = purging
                .await
                .map_err(|error| Problem::unprocessable("invalid_field", error.to_string()));
            purged?;
            Ok(shown(&handle.snapshot()))
        })
    })
}

pub(super) fn routes(cache: PurgeCache) -> OpenApiRouter {
    let routes: OpenApiRouter<_> = OpenApiRouter::new().routes(routes!(purge_cache));
    routes.with_state(cache)
}

/// Makes the cache forget, in all its tiers.
#[utoipa::path(
    post, path = "/api/v1/system/cache/purge", tag = "system",
    request_body = PurgeRequest, responses((status = 200, body = Forgotten)),
)]
async fn purge_cache(
    _admin: Admin,
    State(purge): State<PurgeCache>,
    headers: HeaderMap,
    Json(request): Json<PurgeRequest>,
) -> Result<Answer<Forgotten>, Problem> {
    let soft = request.soft;
    let target = request.target()?;
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let wanted = CachePurge {
        target: target.clone(),
        soft,
        origin: host.map(|host| format!("http://{host}")),
    };
    let cache = purge(wanted).await?;
    tracing::info!(?target, soft, "the cache was purged");
    Ok(Answer(Forgotten {
        purged: target,
        soft,
        cache,
    }))
}

impl PurgeRequest {
    fn target(self) -> Result<CacheTarget, Problem> {
        let refuse = |why: String| Err(Problem::unprocessable("invalid_field", why));
        let (name, target) = match (self.key, self.prefix, self.tag, self.group) {
            (Some(key), None, None, None) => ("key", CacheTarget::Key(key)),
            (None, Some(prefix), None, None) => ("prefix", CacheTarget::Prefix(prefix)),
            (None, None, Some(tag), None) => ("tag", CacheTarget::Tag(tag)),
            (None, None, None, Some(group)) => ("group", CacheTarget::Group(group)),
            _ => return refuse("expected one of `key`, `prefix`, `tag` and `group`".to_owned()),
        };
        let (CacheTarget::Key(text)
        | CacheTarget::Prefix(text)
        | CacheTarget::Tag(text)
        | CacheTarget::Group(text)) = &target;
        if text.is_empty() {
            return refuse(format!("`{name}` is empty"));
        }
        if name != "key" && text.len() > LONGEST_NAME {
            return refuse(format!("`{name}` has more than {LONGEST_NAME} bytes"));
        }
        Ok(target)
    }
}

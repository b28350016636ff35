//! What an administrator may change while a service runs: its circuit breakers, single keys' quotas,
//! what its cache keeps, and how many connections its pool has.

mod purge;
mod resize;

use std::{collections::BTreeMap, fmt, num::NonZeroUsize, sync::Arc};

use axum::extract::State;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use tooloo_hub::Observe;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::purge::{CachePurge, CacheTarget};
use self::{purge::PurgeCache, resize::ResizePool};
use crate::{
    Admin, Answer, Problem,
    extract::{self, Json, Path},
};

/// The longest key that is given a quota of its own, in bytes: keys are kept in memory.
const LONGEST_KEY: usize = 256;

type Body = Map<String, Value>;

/// Sets a breaker as the body says, and returns its figures.
type SetBreaker = Arc<dyn Fn(Body) -> Result<Value, Problem> + Send + Sync>;

/// Sets a key's quota as the body says, or takes it away, and returns what holds.
type SetQuota = Arc<dyn Fn(&str, Option<Body>) -> Result<Value, Problem> + Send + Sync>;

/// The parts of a service that can be set by hand.
#[derive(Default)]
pub(crate) struct Controls {
    breakers: BTreeMap<String, SetBreaker>,
    limiter: Option<SetQuota>,
    cache: Option<PurgeCache>,
    pool: Option<ResizePool>,
}

/// What a breaker is told to do.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted<C> {
    state: C,
}

/// The same, for readers.
#[derive(ToSchema)]
#[schema(as = CircuitBreakerState)]
#[expect(dead_code, reason = "only its description is of interest")]
struct WantedSchema {
    /// `forced-open`, `closed`, `disabled` or `auto`.
    state: String,
}

/// A quota, for readers.
#[derive(ToSchema)]
#[schema(as = Quota)]
#[expect(dead_code, reason = "only its description is of interest")]
struct QuotaSchema {
    /// How many requests come back in a period.
    limit: u32,
    /// A duration above zero such as `1s`.
    period: String,
    /// How many requests a full bucket holds; as many as `limit` where it is left out.
    burst: Option<u32>,
}

/// A breaker after it was set.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BreakerSet {
    name: String,
    /// What `circuitBreakers` of the observability has under this name.
    #[schema(value_type = Object)]
    circuit_breaker: Value,
}

/// The quota of a key.
#[derive(Serialize, ToSchema)]
struct QuotaSet {
    key: String,
    /// `null` where the key has everyone's.
    #[schema(value_type = Option<QuotaSchema>)]
    quota: Value,
}

impl Controls {
    pub(crate) fn add_breaker<H, C, F>(&mut self, name: &str, handle: H, set: F)
    where
        H: Observe,
        C: DeserializeOwned + 'static,
        F: Fn(C) + Send + Sync + 'static,
    {
        let set: SetBreaker = Arc::new(move |body| {
            let Wanted { state } = extract::typed(body)?;
            set(state);
            Ok(shown(&handle.snapshot()))
        });
        self.breakers.insert(name.to_owned(), set);
    }

    pub(crate) fn set_limiter<Q, E, F>(&mut self, set: F)
    where
        Q: DeserializeOwned + Serialize + Clone + 'static,
        E: fmt::Display,
        F: Fn(&str, Option<Q>) -> Result<(), E> + Send + Sync + 'static,
    {
        self.limiter = Some(Arc::new(move |key, body| {
            let quota: Option<Q> = body.map(extract::typed).transpose()?;
            set(key, quota.clone())
                .map_err(|error| Problem::unavailable("quota_not_set", error.to_string()))?;
            Ok(shown(&quota))
        }));
    }

    pub(crate) fn set_cache<H, E, F, Fut>(&mut self, handle: H, purge: F)
    where
        H: Observe,
        E: fmt::Display,
        F: Fn(CachePurge) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
    {
        self.cache = Some(purge::by_hand(handle, purge));
    }

    pub(crate) fn set_pool<H, F>(&mut self, handle: H, resize: F)
    where
        H: Observe,
        F: Fn(usize, NonZeroUsize) + Send + Sync + 'static,
    {
        self.pool = Some(resize::by_hand(handle, resize));
    }

    /// Makes the routes for what there is to set.
    pub(crate) fn routes(self) -> OpenApiRouter {
        let mut router = OpenApiRouter::new();
        if !self.breakers.is_empty() {
            let breakers: OpenApiRouter<_> = OpenApiRouter::new().routes(routes!(set_breaker));
            router = router.merge(breakers.with_state(Arc::new(self.breakers)));
        }
        if let Some(limiter) = self.limiter {
            let quotas = OpenApiRouter::new().routes(routes!(set_quota, clear_quota));
            router = router.merge(quotas.with_state(limiter));
        }
        if let Some(cache) = self.cache {
            router = router.merge(purge::routes(cache));
        }
        if let Some(pool) = self.pool {
            router = router.merge(resize::routes(pool));
        }
        router
    }
}

fn shown(figures: &impl Serialize) -> Value {
    serde_json::to_value(figures).unwrap_or(Value::Null)
}

/// Sets a circuit breaker by hand, until the next start.
#[utoipa::path(
    post, path = "/api/v1/system/circuit-breakers/{name}", tag = "system",
    params(("name" = String, Path)), request_body = WantedSchema,
    responses((status = 200, body = BreakerSet)),
)]
async fn set_breaker(
    _admin: Admin,
    State(breakers): State<Arc<BTreeMap<String, SetBreaker>>>,
    Path(name): Path<String>,
    Json(body): Json<Body>,
) -> Result<Answer<BreakerSet>, Problem> {
    let Some(set) = breakers.get(&name) else {
        let known: Vec<_> = breakers.keys().map(String::as_str).collect();
        let detail = format!(
            "no circuit breaker `{name}`; there are {}",
            known.join(", ")
        );
        return Err(Problem::not_found("unknown_circuit_breaker", detail));
    };
    let circuit_breaker = set(body)?;
    tracing::info!(breaker = name, status = %circuit_breaker["status"], "a circuit breaker was set");
    Ok(Answer(BreakerSet {
        name,
        circuit_breaker,
    }))
}

/// Gives a client a quota of its own, until the next start.
#[utoipa::path(
    put, path = "/api/v1/system/rate-limits/{key}", tag = "system",
    params(("key" = String, Path, description = "As `topKeys` of the observability has it")),
    request_body = QuotaSchema, responses((status = 200, body = QuotaSet)),
)]
async fn set_quota(
    _admin: Admin,
    State(set): State<SetQuota>,
    Path(key): Path<String>,
    Json(body): Json<Body>,
) -> Result<Answer<QuotaSet>, Problem> {
    change(&set, key, Some(body))
}

/// Gives a client everyone's quota again.
#[utoipa::path(
    delete, path = "/api/v1/system/rate-limits/{key}", tag = "system",
    params(("key" = String, Path)), responses((status = 200, body = QuotaSet)),
)]
async fn clear_quota(
    _admin: Admin,
    State(set): State<SetQuota>,
    Path(key): Path<String>,
) -> Result<Answer<QuotaSet>, Problem> {
    change(&set, key, None)
}

fn change(set: &SetQuota, key: String, body: Option<Body>) -> Result<Answer<QuotaSet>, Problem> {
    if key.len() > LONGEST_KEY {
        let detail = format!("a key has at most {LONGEST_KEY} bytes");
        return Err(Problem::bad_request("invalid_path", detail));
    }
    let quota = set(&key, body)?;
    tracing::info!(key, %quota, "a client's quota was set");
    Ok(Answer(QuotaSet { key, quota }))
}

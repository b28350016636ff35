//! `POST /api/v1/system/pool`: changes how many connections a pool has.

use std::{num::NonZeroUsize, sync::Arc};

use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tooloo_hub::Observe;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::shown;
use crate::{Admin, Answer, Problem, extract::Json};

/// The most connections that an administrator may ask for: each is a thread or a socket.
const MOST: usize = 1_000;

/// Resizes, and returns the pool's figures.
pub(super) type ResizePool = Arc<dyn Fn(usize, NonZeroUsize) -> Value + Send + Sync>;

/// How many connections there are to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PoolSize)]
struct PoolSize {
    /// Kept also while nobody asks; none in particular where it is left out.
    #[serde(default)]
    min: usize,
    /// From 1 to 1000.
    #[schema(value_type = usize, minimum = 1, maximum = 1000)]
    max: NonZeroUsize,
}

/// The pool after it was resized.
#[derive(Serialize, ToSchema)]
struct Resized {
    /// What `pool` of the observability has. Connections that are too many close as they come back.
    #[schema(value_type = Object)]
    pool: Value,
}

pub(super) fn by_hand<H, F>(handle: H, resize: F) -> ResizePool
where
    H: Observe,
    F: Fn(usize, NonZeroUsize) + Send + Sync + 'static,
{
    Arc::new(move |min, max| {
        resize(min, max);
        shown(&handle.snapshot())
    })
}

pub(super) fn routes(pool: ResizePool) -> OpenApiRouter {
    let routes: OpenApiRouter<_> = OpenApiRouter::new().routes(routes!(resize_pool));
    routes.with_state(pool)
}

/// Changes how many connections the pool has, until the next start.
#[utoipa::path(
    post, path = "/api/v1/system/pool", tag = "system",
    request_body = PoolSize, responses((status = 200, body = Resized)),
)]
async fn resize_pool(
    _admin: Admin,
    State(resize): State<ResizePool>,
    Json(PoolSize { min, max }): Json<PoolSize>,
) -> Result<Answer<Resized>, Problem> {
    let refuse = |why: String| Err(Problem::unprocessable("invalid_field", why));
    if max.get() > MOST {
        return refuse(format!("`max` is {max}, above {MOST}"));
    }
    if min > max.get() {
        return refuse(format!("`min` is {min}, above `max`, which is {max}"));
    }
    let pool = resize(min, max);
    tracing::info!(min, max, "the pool was resized");
    Ok(Answer(Resized { pool }))
}

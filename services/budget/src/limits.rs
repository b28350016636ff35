//! How often each client may ask.

use axum::body::Body;
use http::Request;
use tooloo_key::{ExtractKey, Key};
use tooloo_rate_limit::{Policies, Quota, RateLimitLayer, RedisStore, SharedRateLimiter};
use tooloo_service::{Kit, KitConfig, StartError};

use crate::BudgetConfig;

/// What quotas are kept under in a Redis.
const PREFIX: &str = "tooloo:budget";

/// Makes the layer, and shows what it does.
///
/// # Errors
///
/// Returns a [`StartError`] where the address of the Redis makes no sense. Whether it answers is seen
/// later.
pub(crate) fn layer(
    kit: &mut Kit,
    kit_config: &KitConfig,
    config: &BudgetConfig,
) -> Result<
    RateLimitLayer<impl ExtractKey<Request<Body>> + Clone + Send + Sync + 'static>,
    StartError,
> {
    let limits = config.rate_limit.clone();
    let policies: Policies = match &kit_config.redis_url {
        Some(url) => {
            let store = RedisStore::new(url.expose(), PREFIX).map_err(StartError::new)?;
            SharedRateLimiter::new(store, limits, config.rate_limit_store).into()
        }
        None => limits.into(),
    };
    let limiter = policies.limiter();
    kit.rate_limiter(policies.handle(), move |key, quota: Option<Quota>| {
        let key = Key::from(key);
        if let Some(quota) = quota {
            return limiter.set_limit(&key, quota);
        }
        limiter.clear_limit(&key);
        Ok(())
    });
    let client = config.clients.clone().extractor();
    Ok(RateLimitLayer::new(policies, client))
}

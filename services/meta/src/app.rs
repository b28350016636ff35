//! Puts the service together.

use tooloo_cache::HttpCacheConfig;
use tooloo_service::{App, Kit, Settings, StartError};

use crate::{
    MetaConfig, SERVICE,
    routes::{self, Meta},
    training::Training,
};

/// Builds the service, which knows nothing of its own: it asks training for each answer.
///
/// Training need not run yet, so there is no readiness check on it: a request that needs it
/// says so itself, at once where training has been failing.
pub async fn app(settings: Settings<MetaConfig>) -> Result<App, StartError> {
    let mut kit = Kit::new(&SERVICE, &settings.kit)?;
    let max_rounds = settings.domain.max_rounds.value();
    // Outside of the breaker: training says of each answer whether it may be given again without asking,
    // and tells in few bytes that it is what it was.
    let origins = settings.kit.address_of("training");
    let cache = upstream::cache(
        &mut kit,
        &settings.kit,
        settings.domain.cache_store,
        HttpCacheConfig::private(),
        origins,
    )?;
    // One answer takes many calls: while training fails, it is left alone.
    let training = upstream::guarded(
        &mut kit,
        "training",
        "training",
        &settings.domain.circuit_breaker,
    );
    let training = Training::new(upstream::cached(training, &cache), max_rounds);
    Ok(kit.finish(routes::router(Meta::new(training))))
}

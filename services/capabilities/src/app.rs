//! Puts the service together.

use std::sync::Arc;

use database::{QueryScopeLayer, Store};
use tooloo_cache::HttpCacheConfig;
use tooloo_service::{App, Kit, Peer, Settings, StartError, directory};

use crate::{
    CapabilitiesConfig, SERVICE,
    probe::Prober,
    refresh::Refresher,
    routes::{self, Capabilities},
    sources::Sources,
    store::{MIGRATIONS, Records},
};

/// Builds the service from its settings.
///
/// # Errors
///
/// Where the data folder or the database cannot be used.
pub async fn app(settings: Settings<CapabilitiesConfig>) -> Result<App, StartError> {
    let mut kit = Kit::new(&SERVICE, &settings.kit)?;
    let config = settings.domain;
    // Its check is the only one: without it the service knows nothing. That one of those it looks at
    // is down is for it to tell.
    let store = Store::open(&mut kit, MIGRATIONS).await?;

    let origins = directory::SERVICES
        .iter()
        .filter_map(|service| settings.kit.address_of(service.name));
    let private = HttpCacheConfig::private();
    let room = config.cache_store.clone();
    let cache = upstream::cache(&mut kit, &settings.kit, room, private, origins)?;
    let records = Records::new(store, config.history_limit.get());
    // The whole fleet, this service included: it is looked at like the others, and each is left alone
    // while it fails.
    let peers: Vec<Peer> = directory::SERVICES
        .iter()
        .map(|service| {
            let peer = upstream::guarded(
                &mut kit,
                service.name,
                service.name,
                &config.circuit_breaker,
            );
            // Outside of the breaker: what a service says is what it was takes few bytes to learn.
            upstream::cached(peer, &cache)
                .with_timeout(config.fetch_timeout.get())
                .with_body_limit(config.document_limit.get())
        })
        .collect();
    let sources = Arc::new(Sources::new(peers));
    let refresher = Arc::new(Refresher::new(
        Arc::clone(&sources),
        records.clone(),
        config.operation_limit.get(),
    ));

    kit.task("refresh", {
        let refresher = Arc::clone(&refresher);
        let interval = config.refresh_interval.get();
        move |stop| async move { refresher.keep_fresh(interval, stop).await }
    });
    if let Some(interval) = config.probe_interval {
        let prober = Prober {
            sources: Arc::clone(&sources),
            records: records.clone(),
            timeout: config.probe_timeout.get(),
        };
        kit.task("probe", move |stop| async move {
            prober.keep_probing(interval.get(), stop).await;
        });
    }

    let capabilities = Capabilities {
        records,
        sources,
        refresher,
        config,
    };
    let routes = routes::routes(Arc::new(capabilities))
        // Finds what one request asks over and over.
        .layer(QueryScopeLayer::new());
    Ok(kit.finish(routes))
}

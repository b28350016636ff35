//! Puts the service together.

use std::time::Duration;

use tooloo_cache::CacheLayer;
use tooloo_service::{App, Kit, Settings, StartError};
use tower::ServiceBuilder;

use crate::{SERVICE, WebConfig, dashboard, fleet::Fleet, gateway, limits, system};

/// The share of a request's time that its upstream may take: enough is left to say that it did.
const SHARE: f32 = 0.9;

/// Builds the gateway.
///
/// # Errors
///
/// Returns a [`StartError`] where the kit cannot start, or the limits make no sense.
pub async fn app(settings: Settings<WebConfig>) -> Result<App, StartError> {
    let web = settings.domain;
    let mut config = settings.kit;
    config.peer_timeout = web
        .upstream_timeout
        .min(config.request_timeout.mul_f32(SHARE));
    let mut kit = Kit::new(&SERVICE, &config)?;

    // What looks at the fleet is no part of what it sees: the page asks every few seconds.
    // Nor is it limited, or kept from a service that is left alone: it is looked at when in trouble.
    let fleet = Fleet::new(&kit, &config, web.fleet_deadline);
    kit.uncounted(system::router(fleet).merge(dashboard::router()));

    // All that is counted is what other services answer.
    let limit = limits::layer(&mut kit, &config, &web)?;
    // A client that leaves ends the call behind it, also one whose answer could have been kept.
    let http = web.cache.with_finish_for(Duration::ZERO);
    let cache = upstream::cache(&mut kit, &config, web.cache_store, http, [])?;
    let routes = gateway::router(&mut kit, web.pseudonym, &web.circuit_breaker).layer(
        // Inside of the kit's layers, which count, name and bound every request, also those refused here.
        ServiceBuilder::new()
            // Before a service is asked: a flood costs nobody behind the gateway anything. The breakers
            // are around each service's client, inside: a refusal of theirs spends the client's quota.
            .layer(limit)
            // What is kept is given without a call: neither a breaker nor the service sees it. A change
            // that is passed on makes what is kept old before its client hears of it.
            .layer(CacheLayer::with_cache(cache)),
    );

    // No readiness check looks at the other services: a gateway whose upstream is down still has
    // the rest to serve, and says so at `/api/v1/system/fleet`.
    Ok(kit.finish(routes))
}

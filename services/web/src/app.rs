//! Puts the service together.

use tooloo_service::{App, Kit, Settings, StartError};

use crate::{SERVICE, WebConfig, dashboard, fleet::Fleet, gateway, system};

/// The share of a request's time that its upstream may take: enough is left to say that it did.
const SHARE: f32 = 0.9;

/// Builds the gateway.
///
/// # Errors
///
/// Returns a [`StartError`] where the kit cannot start.
pub async fn app(settings: Settings<WebConfig>) -> Result<App, StartError> {
    let WebConfig {
        pseudonym,
        upstream_timeout,
        fleet_deadline,
    } = settings.domain;
    let mut config = settings.kit;
    config.peer_timeout = upstream_timeout.min(config.request_timeout.mul_f32(SHARE));
    let mut kit = Kit::new(&SERVICE, &config)?;

    // What looks at the fleet is no part of what it sees: the page asks every few seconds.
    kit.uncounted(
        system::router(Fleet::new(&kit, &config, fleet_deadline)).merge(dashboard::router()),
    );
    // All that is counted is what other services answer.
    let routes = gateway::router(&kit, pseudonym);

    // No readiness check looks at the other services: a gateway whose upstream is down still has
    // the rest to serve, and says so at `/api/v1/system/fleet`.
    Ok(kit.finish(routes))
}

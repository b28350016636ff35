//! Puts the service together.

use tooloo_service::{App, Kit, Settings, StartError};

use crate::{SERVICE, WebConfig, dashboard, fleet::Fleet, gateway, system};

/// Builds the gateway.
///
/// # Errors
///
/// Returns a [`StartError`] where the kit cannot start.
pub async fn app(settings: Settings<WebConfig>) -> Result<App, StartError> {
    let kit = Kit::new(&SERVICE, &settings.kit)?;
    let WebConfig {
        pseudonym,
        fleet_deadline,
    } = settings.domain;

    let routes = system::router(Fleet::new(&kit, fleet_deadline))
        // A page over the figures above, which it asks for like any other client.
        .merge(dashboard::router())
        // Last, because it is everything else: what other services answer.
        .merge(gateway::router(&kit, pseudonym));

    // No readiness check looks at the other services: a gateway whose upstream is down still has
    // the rest to serve, and says so at `/api/v1/system/fleet`.
    Ok(kit.finish(routes))
}

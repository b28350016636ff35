//! Puts the service together.

use database::{QueryScopeLayer, Store};
use tooloo_service::{App, Kit, Settings, StartError};

use crate::{
    CoachConfig, SERVICE, background, coach::Coach, hints::Hints, routes, store, training::Training,
};

/// Opens the service's database and builds the service on it.
///
/// A coach that was running when its process ended runs again.
///
/// # Errors
///
/// Returns a [`StartError`] where the database cannot be opened or brought up to date.
pub async fn app(settings: Settings<CoachConfig>) -> Result<App, StartError> {
    let mut kit = Kit::new(&SERVICE, &settings.kit)?;
    // Its check is the only one: without training the coach still answers, and waits for it.
    let store = Store::open(&mut kit, store::MIGRATIONS).await?;

    // Training takes the rounds; budget pays for hints, and practice goes on without it. Each is left
    // alone while it fails: a coach that practises by itself would go on and on.
    let breaker = &settings.domain.circuit_breaker;
    let training = Training::new(upstream::guarded(&mut kit, "training", "training", breaker));
    let hints = Hints::new(
        upstream::guarded(&mut kit, "budget", "budget", breaker),
        &settings.domain,
    );
    let tracer = kit.tracer().clone();
    let coach = Coach::open(store, training, hints, settings.domain, tracer)
        .await
        .map_err(StartError::new)?;

    let practising = coach.clone();
    kit.task("practice", move |stop| background::run(practising, stop));
    let routes = routes::router(coach)
        // Finds what one request asks over and over.
        .layer(QueryScopeLayer::new());
    Ok(kit.finish(routes))
}

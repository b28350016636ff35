//! Puts the service together.

use tooloo_service::{App, Kit, Settings, StartError, Store};

use crate::{
    CoachConfig, SERVICE, background, coach::Coach, hints::Hints, routes, store, training::Training,
};

/// Opens the database under the data folder and builds the service on it.
///
/// A coach that was running when its process ended runs again.
///
/// # Errors
///
/// Returns a [`StartError`] where the database cannot be opened or brought up to date.
pub async fn app(settings: Settings<CoachConfig>) -> Result<App, StartError> {
    let mut kit = Kit::new(&SERVICE, &settings.kit)?;
    let store = Store::open(kit.data_file("coach.sqlite"), store::MIGRATIONS).await?;

    // Training takes the rounds; budget pays for hints, and practice goes on without it. Each is left
    // alone while it fails: a coach that practises by itself would go on and on.
    let breaker = &settings.domain.circuit_breaker;
    let training = Training::new(upstream::guarded(&mut kit, "training", "training", breaker));
    let hints = Hints::new(
        upstream::guarded(&mut kit, "budget", "budget", breaker),
        &settings.domain,
    );
    let tracer = kit.tracer().clone();
    let coach = Coach::open(store.clone(), training, hints, settings.domain, tracer).await?;

    // Training is no check: without it the coach still answers, and waits for it.
    kit.check("database", move || {
        let store = store.clone();
        async move { store.ping().await }
    });
    let practising = coach.clone();
    kit.task("practice", move |stop| background::run(practising, stop));
    Ok(kit.finish(routes::router(coach)))
}

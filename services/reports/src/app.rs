//! Puts the service together.

use database::{QueryScopeLayer, Store};
use tooloo_service::{App, Kit, Settings, StartError};

use crate::{
    ReportsConfig, SERVICE,
    gather::Gatherer,
    routes::{self, Reports},
    snapshots, store,
};

/// Opens the database and builds the service on it.
///
/// # Errors
///
/// Returns a [`StartError`] where the database cannot be opened or brought up to date.
pub async fn app(settings: Settings<ReportsConfig>) -> Result<App, StartError> {
    let mut kit = Kit::new(&SERVICE, &settings.kit)?;
    let store = Store::open(&mut kit, store::MIGRATIONS).await?;
    // Each source is left alone while it fails: reports then show its last answer at once.
    // They are no checks of readiness either: a report is given without them, and says so.
    let gatherer = Gatherer::new(&mut kit, store.clone(), &settings.domain);

    // What trends and deltas compare with, also when nobody asks for a report.
    let (gathering, keeping, tracer) = (gatherer.clone(), store.clone(), kit.tracer().clone());
    kit.task("snapshots", move |stop| {
        snapshots::run(gathering, keeping, settings.domain, tracer, stop)
    });
    let routes = routes::router(Reports::new(gatherer, store))
        // Finds what one request asks over and over.
        .layer(QueryScopeLayer::new());
    Ok(kit.finish(routes))
}

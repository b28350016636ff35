//! Puts the service together.

use tooloo_service::{App, Kit, Settings, StartError, Store};

use crate::{
    ReportsConfig, SERVICE,
    gather::Gatherer,
    routes::{self, Reports},
    snapshots, store,
};

/// Opens the database under the data folder and builds the service on it.
///
/// # Errors
///
/// Returns a [`StartError`] where the database cannot be opened or brought up to date.
pub async fn app(settings: Settings<ReportsConfig>) -> Result<App, StartError> {
    let mut kit = Kit::new(&SERVICE, &settings.kit)?;
    let store = Store::open(kit.data_file("reports.sqlite"), store::MIGRATIONS).await?;
    // Each source is left alone while it fails: reports then show its last answer at once.
    let gatherer = Gatherer::new(&mut kit, store.clone(), settings.domain.clone());

    // The sources are no checks: a report is given without them, and says so.
    let pinged = store.clone();
    kit.check("database", move || {
        let store = pinged.clone();
        async move { store.ping().await }
    });

    // What trends and deltas compare with, also when nobody asks for a report.
    let (gathering, keeping, tracer) = (gatherer.clone(), store.clone(), kit.tracer().clone());
    kit.task("snapshots", move |stop| {
        snapshots::run(gathering, keeping, settings.domain, tracer, stop)
    });
    Ok(kit.finish(routes::router(Reports::new(gatherer, store))))
}

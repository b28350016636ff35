//! Puts the service together.

use std::sync::Arc;

use database::{QueryScopeLayer, Store};
use tooloo_service::{App, Kit, Settings, StartError};

use crate::{
    SERVICE, SegmentationConfig,
    jobs::Jobs,
    routes::{self, Segmentation},
    store::{MIGRATIONS, Records},
};

/// Builds the service from its settings.
///
/// # Errors
///
/// Where the data folder or the database cannot be used.
pub async fn app(settings: Settings<SegmentationConfig>) -> Result<App, StartError> {
    let mut kit = Kit::new(&SERVICE, &settings.kit)?;
    // Its check is the only one: without it the service can neither keep a clustering nor count an analysis.
    let store = Store::open(&mut kit, MIGRATIONS).await?;

    let segmentation = Segmentation {
        records: Records::new(store, settings.domain.kept()),
        // Both algorithms keep a processor busy, so neither runs on the threads that serve.
        jobs: Jobs::new(settings.domain.concurrency.get()),
        config: settings.domain,
    };
    let routes = routes::routes(Arc::new(segmentation))
        // Finds what one request asks over and over.
        .layer(QueryScopeLayer::new());
    Ok(kit.finish(routes))
}

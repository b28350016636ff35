//! Puts the service together.

use database::{QueryScopeLayer, Store, StoreError};
use tooloo_service::{App, Kit, Settings, StartError};

use crate::{
    SERVICE, TrainingConfig,
    config::Models,
    routes::{self, Training},
    store,
};

/// Opens the database and builds the service on it.
///
/// # Errors
///
/// Returns a [`StartError`] where the database cannot be opened or brought up to date.
pub async fn app(settings: Settings<TrainingConfig>) -> Result<App, StartError> {
    let mut kit = Kit::new(&SERVICE, &settings.kit)?;
    let store = Store::open(&mut kit, store::MIGRATIONS).await?;
    // In the first transaction, so that no request ever meets an empty curriculum.
    seed(&store, settings.domain.models)
        .await
        .map_err(StartError::new)?;
    let routes = routes::router(Training::new(store, settings.domain))
        // Finds what one request asks over and over.
        .layer(QueryScopeLayer::new());
    Ok(kit.finish(routes))
}

async fn seed(store: &Store, models: Models) -> Result<(), StoreError> {
    let mut tx = store.write().await?;
    store::topics::seed(&mut tx, models, database::now()).await?;
    Ok(tx.commit().await?)
}

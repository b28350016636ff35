//! Puts the service together.

use tooloo_service::{App, Kit, Settings, StartError, Store};

use crate::{
    SERVICE, TrainingConfig,
    routes::{self, Training},
    store,
};

/// Opens the database under the data folder and builds the service on it.
///
/// # Errors
///
/// Returns a [`StartError`] where the database cannot be opened or brought up to date.
pub async fn app(settings: Settings<TrainingConfig>) -> Result<App, StartError> {
    let mut kit = Kit::new(&SERVICE, &settings.kit)?;
    let store = Store::open(kit.data_file("training.sqlite"), store::MIGRATIONS).await?;

    // In the first transaction, so that no request ever meets an empty curriculum.
    let models = settings.domain.models;
    let now = store::now();
    store
        .write(move |tx| store::topics::seed(tx, models, now))
        .await?;

    let pinged = store.clone();
    kit.check("database", move || {
        let store = pinged.clone();
        async move { store.ping().await }
    });
    Ok(kit.finish(routes::router(Training::new(store, settings.domain))))
}

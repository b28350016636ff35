//! Puts the service together.

use tooloo_service::{App, Kit, Settings, StartError};

use crate::{
    MetaConfig, SERVICE,
    routes::{self, Meta},
    training::Training,
};

/// Builds the service, which keeps nothing: it asks training for each answer.
///
/// Training need not run yet, so there is no readiness check on it: a request that needs it
/// says so itself.
pub async fn app(settings: Settings<MetaConfig>) -> Result<App, StartError> {
    let kit = Kit::new(&SERVICE, &settings.kit)?;
    let max_rounds = settings.domain.max_rounds.value();
    let training = Training::new(kit.peer("training"), max_rounds);
    Ok(kit.finish(routes::router(Meta::new(training))))
}

//! A small upstream that speaks the chat-completions format, for those without a provider at hand.
//!
//! It answers from the prompt alone, counts tokens as real encoders do on average, and fails,
//! dawdles and refuses as often as it is told to, always the same way from the same seed.

mod config;
mod dice;
mod routes;
mod stream;
mod text;
mod wire;

use tooloo_service::{App, Kit, KitConfig, Settings, StartError};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use self::config::SimulatorConfig;
use self::dice::Simulator;
use crate::SIMULATOR;

/// Builds the simulated provider.
///
/// # Errors
///
/// Returns a [`StartError`] where its data folder cannot be made.
#[expect(clippy::unused_async, reason = "every service is built the same way")]
pub async fn app(settings: Settings<SimulatorConfig>) -> Result<App, StartError> {
    assemble(&settings.kit, settings.domain)
}

/// Builds the simulated provider beside another service of the process.
pub(crate) fn assemble(kit: &KitConfig, config: SimulatorConfig) -> Result<App, StartError> {
    let kit = Kit::new(&SIMULATOR, kit)?;
    let routes = OpenApiRouter::new()
        .routes(routes!(routes::chat_completions))
        .routes(routes!(routes::list_models))
        .routes(routes!(routes::settings, routes::change_settings))
        .routes(routes!(routes::stats))
        .with_state(Simulator::new(config));
    Ok(kit.finish(routes))
}

//! Finds every operation of every service from its `OpenAPI` document, activates and tracks them.

mod app;
mod capability;
mod config;
mod document;
mod fetch;
mod insights;
mod operation;
mod probe;
mod refresh;
mod routes;
mod sources;
mod store;
mod usage;

use tooloo_service::Definition;

pub use self::{
    app::app,
    config::{CapabilitiesConfig, Wait},
};

/// This service.
pub const SERVICE: Definition = Definition {
    name: "capabilities",
    port: 3009,
    sampling_rate: 0.10,
    version: env!("CARGO_PKG_VERSION"),
    summary: "finds, activates and tracks every operation of the fleet",
    check: |raw| raw.settings::<CapabilitiesConfig>().map(drop),
    build: |raw| Box::pin(async move { app(raw.settings()?).await }),
};

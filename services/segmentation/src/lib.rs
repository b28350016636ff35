//! Splits conversations into topics and users into cohorts.

mod app;
mod clustering;
mod cohorts;
mod config;
mod demo;
mod features;
mod jobs;
mod routes;
mod segments;
mod silhouette;
mod store;
mod texttiling;
mod tokens;
mod traits;
mod tuning;

use tooloo_service::Definition;

pub use self::{
    app::app,
    config::{NotWithin, SegmentationConfig, Within},
};

/// This service.
pub const SERVICE: Definition = Definition {
    name: "segmentation",
    port: 3007,
    sampling_rate: 0.15,
    version: env!("CARGO_PKG_VERSION"),
    summary: "topics of conversations, cohorts of users",
    check: |raw| raw.settings::<SegmentationConfig>().map(drop),
    build: |raw| Box::pin(async move { app(raw.settings()?).await }),
};

//! Meta-learning: how fast mastery grows, where it has stopped growing, and what comes next.
//!
//! Everything is computed from training's history at the moment it is asked for; nothing is kept.
//! The velocity is a Theil–Sen slope, in mastery per round; a plateau is a stretch in which the
//! Mann–Kendall test finds no trend; forecasts extend the slope and its interval. Where there are
//! too few rounds, the figure is `null` and a reason stands beside it.
//!
//! ```text
//! GET /api/v4/meta-learning/insights         velocity by topic, and what stands out
//! GET /api/v4/meta-learning/report           all of it, counted up
//! GET /api/v4/meta-learning/trajectory       the course so far and its continuation
//! GET /api/v4/meta-learning/detect-plateau   who is at a plateau, with the test's figures
//! GET /api/v4/meta-learning/predict-plateau  when progress will end, and why
//! ```
//!
//! All take `topic` (an id or a name), `window` (the newest rounds looked at) and `alpha` (the
//! level of significance).
//!
//! Where to look: the statistics in `theil_sen`, `mann_kendall`, `trend` and `forecast`, the series
//! they run on in `learner`, the calls to training in `training`, HTTP in `routes`.

mod app;
mod config;
mod forecast;
mod learner;
mod mann_kendall;
mod normal;
mod reading;
mod routes;
mod theil_sen;
mod training;
mod trend;

use tooloo_service::Definition;

pub use self::{app::app, config::MetaConfig};

/// The service as the kit and the fleet know it.
pub const SERVICE: Definition = Definition {
    name: "meta",
    port: 3002,
    sampling_rate: 0.20,
    version: env!("CARGO_PKG_VERSION"),
    summary: "learning velocity, plateaus, forecasts",
    check: |raw| raw.settings::<MetaConfig>().map(drop),
    build: |raw| Box::pin(async move { app(raw.settings()?).await }),
};

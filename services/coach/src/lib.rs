//! The coach: practises the weakest topics in the background.
//!
//! ```text
//! POST /api/v1/auto-coach/start
//! POST /api/v1/auto-coach/stop
//! POST /api/v1/auto-coach/boost      {topic?, rounds?}               some rounds now
//! POST /api/v1/auto-coach/fast-lane  {seconds?, intervalSeconds?}    shorter pauses for a while
//! GET  /api/v1/auto-coach/status
//! GET  /api/v1/auto-coach/settings
//! POST /api/v1/auto-coach/settings   {intervalSeconds?, roundsPerSession?, focus?, hints?, seed?}
//! ```
//!
//! A session fetches the topics from training and goes round the weakest. Who answers is a
//! simulated learner, as good as training's model believes. While training is down the coach
//! backs off. Whether it runs, its settings, its counters and its log are in the database; a round
//! is counted in the transaction that logs it.
//!
//! Where to look: what it can be told in `coach`, sessions and boosts in `practice`, a single
//! round in `round`, the loop in `background`, its pace in `pace`, HTTP in `routes`.

mod action;
mod app;
mod background;
mod backoff;
mod coach;
mod config;
mod error;
mod hints;
mod learner;
mod pace;
mod practice;
mod record;
mod round;
mod routes;
mod settings;
mod store;
mod training;

use tooloo_service::Definition;

pub use self::{app::app, config::CoachConfig};

/// The service as the kit and the fleet know it.
pub const SERVICE: Definition = Definition {
    name: "coach",
    port: 3004,
    sampling_rate: 0.10,
    version: env!("CARGO_PKG_VERSION"),
    summary: "practises the weakest topics in the background",
    check: |raw| raw.settings::<CoachConfig>().map(drop),
    build: |raw| Box::pin(async move { app(raw.settings()?).await }),
};

//! Training: topics, practice rounds, and how well each topic is mastered.
//!
//! A client reports whether a question was answered right; the service keeps, for each topic, the
//! chance that it is known, by Bayesian Knowledge Tracing (Corbett and Anderson 1994). From that
//! follow what to practise next, how likely the next answer is right, and how many rounds a topic
//! still needs.
//!
//! ```text
//! POST /api/v1/training/start     {topic?}             a session on a topic, or on the next one
//! POST /api/v1/training/round     {topic?, correct}    one answer; says which topic it counted for
//! POST /api/v1/training/new-topic {name, difficulty?}
//! GET  /api/v1/training/overview   every topic and the totals
//! GET  /api/v1/training/active     the running session
//! GET  /api/v1/training/deep-dive/{topic}
//! GET  /api/v1/training/progress   mastery by day and topic
//! GET  /api/v1/training/history    every round, in pages
//! GET  /api/v1/next-domain         what to practise next, and why
//! ```
//!
//! Every round is kept, and a topic keeps the model it was created with: its standing is what its
//! rounds add up to. A round's reading and writing happen in one transaction, so rounds that arrive
//! together count one after the other; once one is answered, it is on disk.
//!
//! Where to look: the model in `mastery`, the choice in `next`, the database in `store`, HTTP in
//! `routes`; `app` puts them together.

mod app;
mod caching;
mod config;
mod curriculum;
mod mastery;
mod next;
mod outlook;
mod progress;
mod routes;
mod since;
mod state;
mod store;
mod topic;

use tooloo_service::Definition;

pub use self::{app::app, config::TrainingConfig};

/// The service as the kit and the fleet know it.
pub const SERVICE: Definition = Definition {
    name: "training",
    port: 3001,
    sampling_rate: 0.15,
    version: env!("CARGO_PKG_VERSION"),
    summary: "topics, practice rounds, mastery",
    check: |raw| raw.settings::<TrainingConfig>().map(drop),
    build: |raw| Box::pin(async move { app(raw.settings()?).await }),
};

//! Reports: gathered from the other services, also while some of them are down.
//!
//! ```text
//! GET /api/v1/reports/comprehensive              everything
//! GET /api/v1/reports/performance                latency and errors of every service
//! GET /api/v1/reports/dashboard                  the figures, and how fresh they are
//! GET /api/v1/reports/trends?hours=24            each figure's slope
//! GET /api/v1/reports/delta?since=               each figure's change
//! GET /api/v1/reports/cost-efficiency?hours=24   spending beside learning
//! ```
//!
//! Every report asks all sources at once, each with a deadline. A source that gives no answer is
//! shown with its last one, marked stale, from the database; the report itself is given in any case.
//! Figures are drawn from fresh answers only. Snapshots of them are what trends and deltas
//! compare.
//!
//! Where to look: who is asked in `source`, the asking in `gather`, what is kept of
//! it in `archive`, the figures in `figures`, the
//! arithmetic in `trend` and `economy`, HTTP in `routes`.

mod app;
mod archive;
mod config;
mod economy;
mod figures;
mod gather;
mod performance;
mod place;
mod routes;
mod snapshots;
mod source;
mod store;
mod trend;

use tooloo_service::Definition;

pub use self::{app::app, config::ReportsConfig};

/// The service as the kit and the fleet know it.
pub const SERVICE: Definition = Definition {
    name: "reports",
    port: 3008,
    sampling_rate: 0.10,
    version: env!("CARGO_PKG_VERSION"),
    summary: "reports gathered from the others",
    check: |raw| raw.settings::<ReportsConfig>().map(drop),
    build: |raw| Box::pin(async move { app(raw.settings()?).await }),
};

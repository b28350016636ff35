//! Model providers behind one door: the best one is asked, once, and the bill is kept.
//!
//! [`SERVICE`] is the service; [`SIMULATOR`] is the simulated provider that it uses unless told
//! otherwise. A fleet runs the two beside each other. [`STANDALONE`] is the service that brings
//! its simulated provider along.

mod app;
mod burst;
mod clients;
mod cohort;
mod config;
mod criticality;
mod day;
mod detached;
mod ledger;
mod limits;
mod money;
mod observe;
mod policy;
mod provider;
mod realtime;
mod routes;
pub mod simulator;
mod single_flight;
mod standalone;

use tooloo_service::Definition;

pub use self::{
    app::app,
    clients::ClientsConfig,
    cohort::{CohortName, CohortPolicy, Cohorts},
    config::BudgetConfig,
    criticality::{Criticality, Shares},
    money::{Money, Prices},
    provider::config::{BaseUrl, ProviderConfig, ProviderList},
};

/// The budget service.
pub const SERVICE: Definition = Definition {
    name: "budget",
    port: 3003,
    sampling_rate: 0.1,
    version: env!("CARGO_PKG_VERSION"),
    summary: "model providers, burst, cost, failover",
    check: |raw| raw.settings::<BudgetConfig>().map(drop),
    build: |raw| Box::pin(async move { app(raw.settings()?).await }),
};

/// The simulated model provider, which speaks the chat-completions format.
pub const SIMULATOR: Definition = Definition {
    name: "simulator",
    port: 3010,
    sampling_rate: 0.1,
    version: env!("CARGO_PKG_VERSION"),
    summary: "a simulated model provider",
    check: |raw| raw.settings::<simulator::SimulatorConfig>().map(drop),
    build: |raw| Box::pin(async move { simulator::app(raw.settings()?).await }),
};

/// The budget service that starts the simulated provider beside it, where it is set to use it.
pub const STANDALONE: Definition = Definition {
    build: |raw| Box::pin(async move { standalone::app(raw.settings()?).await }),
    ..SERVICE
};

//! What every TooLoo service stands on: settings, telemetry, health, problem responses, drain.
//!
//! A service says who it is, gathers its parts in a [`Kit`], and adds its routes; the kit adds the
//! system's routes and the layers around all of them. [`main`] runs it alone, [`serve()`] several in
//! one process.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use tooloo_service::{Answer, App, Definition, Kit, Settings, StartError};
//! use utoipa::ToSchema;
//! use utoipa_axum::{router::OpenApiRouter, routes};
//!
//! const SERVICE: Definition = Definition {
//!     name: "training",
//!     port: 3001,
//!     sampling_rate: 0.15,
//!     version: env!("CARGO_PKG_VERSION"),
//!     summary: "practises",
//!     check: |raw| raw.settings::<Training>().map(drop),
//!     build: |raw| Box::pin(async move { app(&raw.settings()?) }),
//! };
//!
//! /// What `[training]` in the configuration file may say beside the kit's settings.
//! #[derive(Debug, Default, Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Training {
//!     rounds: u32,
//! }
//!
//! #[derive(Serialize, ToSchema)]
//! struct Overview {
//!     rounds: u32,
//! }
//!
//! /// Tells how far the training is.
//! #[utoipa::path(get, path = "/api/v1/training/overview", responses((status = 200, body = Overview)))]
//! async fn overview() -> Answer<Overview> {
//!     Answer(Overview { rounds: 7 })
//! }
//!
//! fn app(settings: &Settings<Training>) -> Result<App, StartError> {
//!     let mut kit = Kit::new(&SERVICE, &settings.kit)?;
//!     kit.check("practice", || async { Ok::<_, String>(()) });
//!     Ok(kit.finish(OpenApiRouter::new().routes(routes!(overview))))
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     # if true { return std::process::ExitCode::SUCCESS }
//!     tooloo_service::main(SERVICE)
//! }
//! ```
//!
//! Settings come in layers: a definition's defaults, `tooloo.toml`, `TOOLOO_*` variables, flags; see
//! [`ConfigSource`]. What goes wrong leaves as a [`Problem`]; what goes well as an [`Answer`].

mod admin;
mod answer;
mod app;
mod body;
mod bounds;
mod caching;
mod client;
mod command;
mod config;
mod connection;
mod controls;
mod cors;
mod definition;
pub mod directory;
mod drain;
pub mod duration;
mod error;
mod exchange;
mod extract;
mod fallback;
mod head;
mod health;
mod io;
mod kit;
mod logs;
mod methods;
mod object;
mod panics;
mod peer;
mod problem;
mod problems;
mod request_id;
mod runtime;
mod secret;
mod serve;
mod stack;
mod system;
mod task;
mod telemetry;
mod unparsed;

pub use self::{
    admin::{Admin, NotAdmin},
    answer::{Answer, AnswerWith},
    app::App,
    caching::{Caching, MadeOld},
    command::main,
    config::{
        ConfigError, ConfigSource, KitConfig, LogFormat, OtlpConfig, OtlpProtocol, RawSettings,
        Settings,
    },
    controls::{CachePurge, CacheTarget},
    definition::{Definition, Identity},
    drain::{Shutdown, Trigger},
    error::{ServeError, StartError},
    extract::{Json, Path, Query},
    kit::Kit,
    logs::start_logs,
    peer::{Peer, PeerError, PeerService},
    problem::Problem,
    runtime::block_on,
    secret::Secret,
    serve::serve,
    task::Stop,
};

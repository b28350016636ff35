//! What every TooLoo service stands on: settings, telemetry, health, problem responses, drain.

mod answer;
mod app;
mod body;
mod bounds;
mod client;
mod command;
mod config;
mod connection;
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
mod panics;
mod peer;
mod problem;
mod problems;
mod request_id;
mod secret;
mod serve;
mod stack;
mod store;
mod system;
mod task;
mod telemetry;

pub use self::{
    answer::{Answer, AnswerWith},
    app::App,
    command::main,
    config::{
        ConfigError, ConfigSource, KitConfig, LogFormat, OtlpConfig, OtlpProtocol, RawSettings,
        Settings,
    },
    definition::{Definition, Identity},
    drain::{Shutdown, Trigger},
    error::{ServeError, StartError},
    extract::{Json, Path, Query},
    kit::Kit,
    logs::start_logs,
    peer::{Peer, PeerError},
    problem::Problem,
    secret::Secret,
    serve::serve,
    store::{Store, StoreError},
    task::Stop,
};

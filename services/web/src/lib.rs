//! The gateway: one address for the whole fleet, and a page that shows it.
//!
//! ```text
//! GET /                        the dashboard
//! GET /api/v1/system/routes    which paths are passed on to which service
//! GET /api/v1/system/fleet     what every service says about itself
//! ```
//!
//! Everything listed at `/api/v1/system/routes` is passed on to its service and back as it
//! streams, in both directions and in constant memory; a client that leaves ends the call behind
//! it. The gateway follows RFC 9110 and 9112 as an intermediary: fields of one connection stay on
//! it, `Via` and `Forwarded` grow, messages are framed anew, and what two readers could read
//! differently is refused.
//!
//! Each client may ask so often, each service is left alone while it fails, and its answers are kept for as
//! long as it says: who a client is stands in `clients`, how often in `limits`; the breakers and the cache
//! are those of all calls between services.
//!
//! Where to look: what is checked and rewritten in `gateway/request`, the rules for fields in
//! `gateway/fields`, the way back in `gateway`, the list of paths in `gateway/table`.

mod app;
mod clients;
mod config;
mod dashboard;
mod fleet;
mod gateway;
mod limits;
mod system;

use tooloo_service::Definition;

pub use self::{
    app::app,
    config::{
        BadPrefixLength, BadPseudonym, ClientsConfig, ForwardedBy, PrefixLength, Pseudonym,
        WebConfig,
    },
};

/// The service as the kit and the fleet know it.
pub const SERVICE: Definition = Definition {
    name: "web",
    port: 3000,
    sampling_rate: 0.10,
    version: env!("CARGO_PKG_VERSION"),
    summary: "gateway to all the others, and the dashboard",
    check: |raw| raw.settings::<WebConfig>().map(drop),
    build: |raw| Box::pin(async move { app(raw.settings()?).await }),
};

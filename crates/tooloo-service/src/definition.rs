//! What a service is, before it is built.

use futures_util::future::BoxFuture;

use crate::{App, ConfigError, RawSettings, StartError};

/// A service: its name, its defaults, and how to build it from settings.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// The name, which is also the name of its table in the configuration file.
    pub name: &'static str,
    /// The port it listens on where nothing else is set.
    pub port: u16,
    /// The share of requests that is traced in full where nothing else is set.
    pub sampling_rate: f64,
    /// The version it reports.
    pub version: &'static str,
    /// What it does, in a few words.
    pub summary: &'static str,
    /// Checks its settings without building anything.
    pub check: fn(&RawSettings) -> Result<(), ConfigError>,
    /// Builds it.
    pub build: fn(RawSettings) -> BoxFuture<'static, Result<App, StartError>>,
}

/// Who a service is.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Identity {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// What it does.
    pub summary: &'static str,
}

impl Definition {
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            name: self.name,
            version: self.version,
            summary: self.summary,
        }
    }
}

//! The merged settings of one service, and their typed form.

use std::{collections::BTreeMap, path::Path};

use http::Uri;
use serde::de::DeserializeOwned;

use super::{
    error::{ConfigError, Source},
    kit::KitConfig,
    tree::{self, Table},
};
use crate::Definition;

/// What all layers say about one service, not yet typed.
#[derive(Clone, Debug)]
pub struct RawSettings {
    pub(super) name: &'static str,
    pub(super) kit: Table,
    pub(super) domain: Table,
    pub(super) peers: BTreeMap<String, Uri>,
}

/// The settings of one service: the kit's, and `D`, its own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Settings<D> {
    /// What every service has.
    pub kit: KitConfig,
    /// What only this service has.
    pub domain: D,
}

impl RawSettings {
    /// Reads the settings into their types.
    ///
    /// # Errors
    ///
    /// Returns a [`ConfigError`] that names the first key that is unknown or has a bad value.
    pub fn settings<D: DeserializeOwned>(&self) -> Result<Settings<D>, ConfigError> {
        Ok(Settings {
            kit: self.kit()?,
            domain: tree::read(self.domain.clone(), self.name)?,
        })
    }

    /// Reads the kit's settings alone.
    pub fn kit(&self) -> Result<KitConfig, ConfigError> {
        let mut kit: KitConfig = tree::read(self.kit.clone(), "")?;
        self.check_drain(&kit)?;
        for (name, address) in &self.peers {
            kit.peers
                .entry(name.clone())
                .or_insert_with(|| address.clone());
        }
        Ok(kit)
    }

    /// Refuses a drain whose grace period leaves no time to finish what has begun.
    fn check_drain(&self, kit: &KitConfig) -> Result<(), ConfigError> {
        let (grace, deadline) = (kit.drain_grace, kit.drain_deadline);
        if grace < deadline {
            return Ok(());
        }
        let source = |key| tree::source(&self.kit, key).unwrap_or(&Source::Default);
        let limit = source("drain_deadline").of("drain_deadline");
        let why = format!("{grace:?} is not below the {deadline:?} of {limit}");
        Err(ConfigError::at(
            "drain_grace",
            Some(source("drain_grace")),
            why,
        ))
    }
}

impl<D: Default> Settings<D> {
    /// Makes the default settings with a port of the system's choice and data under `data_dir`.
    ///
    /// Every request is sampled, and a drain waits for no load balancer.
    pub fn for_tests(definition: &Definition, data_dir: &Path) -> Self {
        let defaults = KitConfig::default();
        Self {
            kit: KitConfig {
                port: 0,
                data_dir: data_dir.join(definition.name),
                sampling_rate: 1.0,
                drain_grace: std::time::Duration::ZERO,
                ..defaults
            },
            domain: D::default(),
        }
    }
}

//! A quota with a name.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ConfigError, Quota};

/// A name is written into headers.
const LONGEST_NAME: usize = 64;

/// One of the quotas that a request must find room in.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(try_from = "Raw", into = "Raw")]
#[non_exhaustive]
pub struct Tier {
    name: Arc<str>,
    quota: Quota,
    scope: Scope,
}

/// Whose requests a tier counts together.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Scope {
    /// Those of one key.
    #[default]
    Key,
    /// Those of all keys. Keys that wait for it take turns.
    All,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Arc<str>,
    quota: Quota,
    #[serde(default)]
    scope: Scope,
}

impl Tier {
    /// Names a quota that each key has for itself.
    ///
    /// # Errors
    ///
    /// Returns [`ConfigError`] where the name cannot stand in a header: 1 to 64 characters of
    /// printable ASCII.
    pub fn new(name: impl Into<Arc<str>>, quota: Quota) -> Result<Self, ConfigError> {
        let name = name.into();
        let printable = name.bytes().all(|byte| matches!(byte, b' '..=b'~'));
        if name.is_empty() || name.len() > LONGEST_NAME || !printable {
            return Err(ConfigError::Name(name.as_ref().to_owned()));
        }
        Ok(Self {
            name,
            quota,
            scope: Scope::Key,
        })
    }

    /// Lets all keys share the quota.
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.scope = Scope::All;
        self
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the quota.
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// Returns whose requests are counted together.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    pub(crate) fn first(quota: Quota) -> Self {
        Self {
            name: "default".into(),
            quota,
            scope: Scope::Key,
        }
    }
}

impl TryFrom<Raw> for Tier {
    type Error = ConfigError;

    fn try_from(raw: Raw) -> Result<Self, ConfigError> {
        let tier = Self::new(raw.name, raw.quota)?;
        Ok(Self {
            scope: raw.scope,
            ..tier
        })
    }
}

impl From<Tier> for Raw {
    fn from(tier: Tier) -> Self {
        Self {
            name: tier.name,
            quota: tier.quota,
            scope: tier.scope,
        }
    }
}

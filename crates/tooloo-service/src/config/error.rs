//! What is wrong with the settings, and where it was said.

use std::{error, fmt, path::PathBuf, sync::Arc};

/// Settings that cannot be used; the message names the key, where it was set and what is expected.
#[derive(Clone, Debug)]
pub struct ConfigError {
    message: String,
}

/// Where a setting was made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Source {
    Default,
    File(Arc<PathBuf>),
    Variable(String),
    Flag(String),
}

impl ConfigError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }

    /// A value of a known key that will not do.
    ///
    /// Give `key` as it stands in the file, `training.rounds` for instance. This is for settings
    /// that are each fine but not together; a single bad value is best refused while it is read.
    pub fn invalid(key: &str, why: impl fmt::Display) -> Self {
        Self::new(format!("`{key}`: {why}"))
    }

    pub(super) fn at(key: &str, source: Option<&Source>, why: impl fmt::Display) -> Self {
        match source {
            Some(source) => Self::new(format!("{}: {why}", source.of(key))),
            None => Self::invalid(key, why),
        }
    }
}

impl Source {
    /// Names `key` as whoever set it wrote it.
    pub(super) fn of(&self, key: &str) -> String {
        match self {
            Self::Default => format!("`{key}` (default)"),
            Self::File(path) => format!("`{key}` in {}", path.display()),
            Self::Variable(name) => format!("environment variable {name}"),
            Self::Flag(name) => format!("flag {name}"),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl error::Error for ConfigError {}

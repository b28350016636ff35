//! How many statements are put together, and how long they may wait.

use std::{num::NonZeroUsize, time::Duration};

use serde::Deserialize;

/// How many statements one transaction may hold, and how long each may be held up by others.
///
/// Reads from any serde format, as [`DatabaseConfig`](crate::DatabaseConfig) does:
///
/// ```
/// # use tooloo_query::BatchConfig;
/// let config: BatchConfig = toml::from_str(r#"
///     size = 100
///     wait = "2ms"
///     lock_wait = "50ms"
///     max_waiting = 1_000
///     max_groups = 64
/// "#)?;
/// # drop(config);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
#[must_use = "settings do nothing until a layer is made with them"]
pub struct BatchConfig {
    pub(crate) size: NonZeroUsize,
    #[serde(with = "jiff::fmt::serde::unsigned_duration::required")]
    pub(crate) wait: Duration,
    #[serde(with = "jiff::fmt::serde::unsigned_duration::required")]
    pub(crate) lock_wait: Duration,
    #[serde(rename = "max_waiting")]
    pub(crate) waiting: usize,
    #[serde(rename = "max_groups")]
    pub(crate) groups: usize,
}

impl Default for BatchConfig {
    fn default() -> Self {
        Self {
            // PostgreSQL keeps track of 64 savepoints of a transaction at little cost.
            size: NonZeroUsize::new(64).expect("64 is not 0"),
            wait: Duration::from_millis(5),
            lock_wait: Duration::from_millis(10),
            waiting: 10_000,
            groups: 1_024,
        }
    }
}

impl BatchConfig {
    /// Makes the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Commits at most this many statements at once; 64 by default.
    pub fn with_size(mut self, statements: NonZeroUsize) -> Self {
        self.size = statements;
        self
    }

    /// Sends what has waited this long even where others are under way; 5 milliseconds by default.
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Has a statement that finds a row locked for this long leave its batch and go on its own, in PostgreSQL; 10
    /// milliseconds by default, and at least one.
    pub fn with_lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Has at most this many statements of one tenant wait; those beyond go on their own. 10 000 by default.
    pub fn with_max_waiting(mut self, statements: usize) -> Self {
        self.waiting = statements;
        self
    }

    /// Puts together for at most this many tenants at a time; the statements of those beyond go on their own. 1024 by
    /// default.
    pub fn with_max_groups(mut self, tenants: usize) -> Self {
        self.groups = tenants;
        self
    }
}

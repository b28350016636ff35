//! Validated settings.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};
use tooloo_pool::PoolConfig;

/// The settings of a database.
///
/// Reads from any serde format; what is left out has its default, what is unknown or out of range is an error that
/// names it:
///
/// ```
/// # use tooloo_query::DatabaseConfig;
/// let config: DatabaseConfig = toml::from_str(r#"
///     max_rows = 10_000
///     statements = 64
///     texts = 512
///     fingerprints = 256
///     slow = "250ms"
///     slow_log = 20
///     repeats = 10
///     advice_from = 5_000
///     pool = { max = 16, times = { acquire = "2s" } }
/// "#)?;
/// # drop(config);
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[must_use = "settings do nothing until a database is made with them"]
#[non_exhaustive]
pub struct DatabaseConfig {
    pub(crate) pool: PoolConfig,
    pub(crate) max_rows: usize,
    pub(crate) statements: usize,
    pub(crate) texts: usize,
    pub(crate) fingerprints: usize,
    #[serde(with = "jiff::fmt::serde::unsigned_duration::required")]
    pub(crate) slow: Duration,
    pub(crate) slow_log: usize,
    #[serde(deserialize_with = "repeats")]
    pub(crate) repeats: u32,
    #[serde(rename = "advice_from")]
    pub(crate) advise_from: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self {
            pool: PoolConfig::new(),
            max_rows: 100_000,
            statements: 128,
            texts: 1_024,
            fingerprints: 512,
            slow: Duration::from_millis(100),
            slow_log: 50,
            repeats: 5,
            advise_from: 1_000,
        }
    }
}

impl DatabaseConfig {
    /// Makes the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the pool's settings.
    pub fn with_pool(mut self, pool: PoolConfig) -> Self {
        self.pool = pool;
        self
    }

    /// Has a query with more rows than this fail, rather than fill the memory; 100 000 by default.
    pub fn with_max_rows(mut self, rows: usize) -> Self {
        self.max_rows = rows;
        self
    }

    /// Keeps this many prepared statements a connection; 128 by default.
    pub fn with_statements(mut self, statements: usize) -> Self {
        self.statements = statements;
        self
    }

    /// Keeps what is known of this many texts, and analyses each of them once; 1024 by default.
    pub fn with_texts(mut self, texts: usize) -> Self {
        self.texts = texts;
        self
    }

    /// Keeps figures of this many fingerprints, and those of all others together; 512 by default.
    pub fn with_fingerprints(mut self, fingerprints: usize) -> Self {
        self.fingerprints = fingerprints;
        self
    }

    /// Logs queries that take at least this long; 100 milliseconds by default.
    pub fn with_slow(mut self, slow: Duration) -> Self {
        self.slow = slow;
        self
    }

    /// Keeps the newest slow queries, this many; 50 by default.
    pub fn with_slow_log(mut self, queries: usize) -> Self {
        self.slow_log = queries;
        self
    }

    /// Reports a read that one place of the code asks this often in one [scope](crate::QueryScope); 5 by default.
    pub fn with_repeats(mut self, repeats: u32) -> Self {
        self.repeats = repeats.max(2);
        self
    }

    /// Advises indexes for tables of at least this many rows; 1000 by default.
    pub fn with_advice_from(mut self, rows: u64) -> Self {
        self.advise_from = rows;
        self
    }
}

/// Reads how often is too often; what happens once is no repetition.
fn repeats<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let repeats = u32::deserialize(deserializer)?;
    if repeats < 2 {
        return Err(D::Error::custom("a number of repeats is at least 2"));
    }
    Ok(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_has_its_default() {
        let config: DatabaseConfig = toml::from_str("slow = \"0s\"").unwrap();
        assert_eq!(config.slow, Duration::ZERO);
        let default = DatabaseConfig::new();
        assert_eq!(config.statements, default.statements);
        assert_eq!(config.repeats, default.repeats);
    }

    #[test]
    fn what_is_unknown_or_out_of_range_is_refused_by_name() {
        for (text, name) in [
            ("advise_from = 3", "advise_from"),
            ("repeats = 1", "repeats"),
            ("slow = \"-1s\"", "slow"),
            ("slow = 100", "slow"),
            ("pool = { maximum = 3 }", "maximum"),
        ] {
            let error = toml::from_str::<DatabaseConfig>(text).unwrap_err();
            assert!(error.to_string().contains(name), "{text}: {error}");
        }
    }
}

//! Validated settings.

use std::time::Duration;

use tooloo_pool::PoolConfig;

/// The settings of a database.
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until a database is made with them"]
#[non_exhaustive]
pub struct DatabaseConfig {
    pub(crate) pool: PoolConfig,
    pub(crate) max_rows: usize,
    pub(crate) statements: usize,
    pub(crate) texts: usize,
    pub(crate) fingerprints: usize,
    pub(crate) slow: Duration,
    pub(crate) slow_log: usize,
    pub(crate) repeats: u32,
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

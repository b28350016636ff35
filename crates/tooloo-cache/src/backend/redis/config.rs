//! Validated settings.

use std::{fmt, num::NonZeroUsize, time::Duration};

use serde::Deserialize;

use crate::{backend::EncryptionKey, config::duration};

/// How entries are shared through a Redis or Valkey server.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RedisConfig {
    pub(crate) url: String,
    #[serde(default = "prefix")]
    pub(crate) prefix: String,
    #[serde(default = "deadline", with = "duration")]
    pub(crate) deadline: Duration,
    #[serde(default = "queue_entries")]
    pub(crate) queue_entries: NonZeroUsize,
    #[serde(default = "max_entry_bytes")]
    pub(crate) max_entry_bytes: usize,
    #[serde(default = "log_length")]
    pub(crate) log_length: NonZeroUsize,
    #[serde(default = "max_marks")]
    pub(crate) max_marks: NonZeroUsize,
    #[serde(default = "check_every", with = "duration")]
    pub(crate) check_every: Duration,
    #[serde(default)]
    pub(crate) encryption: Option<EncryptionKey>,
}

impl RedisConfig {
    /// Shares entries through the server at `url`, under keys that begin with `tooloo`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            prefix: prefix(),
            deadline: deadline(),
            queue_entries: queue_entries(),
            max_entry_bytes: max_entry_bytes(),
            log_length: log_length(),
            max_marks: max_marks(),
            check_every: check_every(),
            encryption: None,
        }
    }

    /// Shares entries only with those caches that have this prefix too.
    #[must_use]
    pub fn with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Gives the server this long to answer a lookup or a purge; 50 milliseconds by default.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Lets so many writes wait, and drops what is more; 10,000 by default.
    ///
    /// Removals and changes to be told wait beside them, eight times as many; when those are too many,
    /// everything in the server and in the other caches is forgotten instead.
    #[must_use]
    pub fn with_queue(mut self, entries: NonZeroUsize) -> Self {
        self.queue_entries = entries;
        self
    }

    /// Stores only values of so many bytes at most; 8 MiB by default.
    #[must_use]
    pub fn with_max_entry_bytes(mut self, bytes: usize) -> Self {
        self.max_entry_bytes = bytes;
        self
    }

    /// Keeps the last so many changes in the server, 10,000 by default: a cache that missed more forgets
    /// everything.
    #[must_use]
    pub fn with_log_length(mut self, changes: NonZeroUsize) -> Self {
        self.log_length = changes;
        self
    }

    /// Keeps the last purge of so many targets in the server; 10,000 by default. With more, everything in
    /// it is forgotten instead.
    #[must_use]
    pub fn with_max_marks(mut self, marks: NonZeroUsize) -> Self {
        self.max_marks = marks;
        self
    }

    /// Makes sure this often that the server can still be heard; every second by default.
    #[must_use]
    pub fn with_check_every(mut self, period: Duration) -> Self {
        self.check_every = period;
        self
    }

    /// Encrypts entries; not by default. Keys, and the names that are purged, are not encrypted.
    #[must_use]
    pub fn with_encryption(mut self, key: impl Into<Option<EncryptionKey>>) -> Self {
        self.encryption = key.into();
        self
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A URL may hold a password.
        f.debug_struct("RedisConfig")
            .field("prefix", &self.prefix)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

const fn at_least_one(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("a default is above zero")
}

fn prefix() -> String {
    "tooloo".to_owned()
}

fn deadline() -> Duration {
    Duration::from_millis(50)
}

fn queue_entries() -> NonZeroUsize {
    at_least_one(10_000)
}

fn max_entry_bytes() -> usize {
    8 << 20
}

fn log_length() -> NonZeroUsize {
    at_least_one(10_000)
}

fn max_marks() -> NonZeroUsize {
    at_least_one(10_000)
}

fn check_every() -> Duration {
    Duration::from_secs(1)
}

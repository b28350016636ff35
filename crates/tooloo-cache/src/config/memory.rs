//! How much memory a cache may take.

use std::num::{NonZeroU64, NonZeroUsize};

use serde::Deserialize;

/// The bounds of the memory tier: both hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct MemoryConfig {
    pub(crate) max_bytes: NonZeroU64,
    pub(crate) max_weight: Option<NonZeroU64>,
    pub(crate) expected_entries: NonZeroUsize,
}

impl MemoryConfig {
    /// Holds 64 MiB.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds so many bytes of keys and values, as the cache's [`Weigh`](crate::Weigh) tells them.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: NonZeroU64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Holds so much weight, by default one for each entry; any by default.
    #[must_use]
    pub fn with_max_weight(mut self, weight: impl Into<Option<NonZeroU64>>) -> Self {
        self.max_weight = weight.into();
        self
    }

    /// Makes room for so many entries beforehand; 10,000 by default.
    ///
    /// It decides on the number of shards, not on how much is held.
    #[must_use]
    pub fn with_expected_entries(mut self, entries: NonZeroUsize) -> Self {
        self.expected_entries = entries;
        self
    }
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self {
            max_bytes: NonZeroU64::new(64 << 20).expect("64 MiB is above zero"),
            max_weight: None,
            expected_entries: NonZeroUsize::new(10_000).expect("10,000 is above zero"),
        }
    }
}

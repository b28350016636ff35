//! What a fill yields.

use std::fmt;

use crate::{CacheKey, Entry, EntryOptions, Lead};

/// What a fill yields: a value, and what is to be done with it.
///
/// A bare value is stored as the settings say.
#[derive(Clone)]
#[must_use]
pub struct Fill<V> {
    value: V,
    options: EntryOptions,
    pass: bool,
}

impl<V> Fill<V> {
    /// Is stored as the settings say.
    pub fn new(value: V) -> Self {
        Self {
            value,
            options: EntryOptions::new(),
            pass: false,
        }
    }

    /// Is for the one who asked, and not stored; who waits for it goes on alone.
    pub fn pass(value: V) -> Self {
        Self {
            pass: true,
            ..Self::new(value)
        }
    }

    /// Says how it is stored.
    pub fn with_options(mut self, options: EntryOptions) -> Self {
        self.options = options;
        self
    }
}

impl<V: Send + Sync + 'static> Fill<V> {
    pub(super) fn land<K: CacheKey>(self, lead: Lead<K, V>) -> Entry<V> {
        if self.pass {
            lead.pass_with(self.value, self.options)
        } else {
            lead.store(self.value, self.options)
        }
    }
}

impl<V> From<V> for Fill<V> {
    fn from(value: V) -> Self {
        Self::new(value)
    }
}

impl<V> fmt::Debug for Fill<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fill")
            .field("options", &self.options)
            .field("pass", &self.pass)
            .finish_non_exhaustive()
    }
}

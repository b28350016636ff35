//! Counting how requests came out.

use super::Cache;
use crate::{CacheKey, figures::Event};

/// How a request came out, for those who look up by themselves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// There was a fresh entry.
    Hit,
    /// There was an entry, served stale.
    Stale,
    /// There was none of use.
    Miss,
    /// There was none, and another's fill was waited for.
    Coalesced,
}

impl<K: CacheKey, V: Send + Sync + 'static> Cache<K, V> {
    /// Counts how a request came out that looked up by itself.
    pub fn count(&self, outcome: Outcome) {
        let figures = &self.inner.figures;
        match outcome {
            Outcome::Hit => figures.hit_in_memory(),
            Outcome::Stale => {
                figures.hit_in_memory();
                figures.count(Event::Stale);
            }
            Outcome::Miss => figures.count(Event::Miss),
            Outcome::Coalesced => {
                figures.count(Event::Miss);
                figures.count(Event::Coalesced);
            }
        }
    }
}

//! Waiting for the fill of another.

use std::fmt;

use tokio::sync::watch;

use super::{Claim, Lead};
use crate::{Cache, CacheKey, Entry, flights::Landing};

/// Waits for the fill of another.
#[must_use]
pub struct Follow<K: CacheKey, V: Send + Sync + 'static> {
    pub(super) cache: Cache<K, V>,
    pub(super) key: K,
    pub(super) landing: watch::Receiver<Landing<V>>,
}

/// What became of a fill that was waited for.
pub enum Followed<K: CacheKey, V: Send + Sync + 'static> {
    /// Here is what it yielded.
    Entry(Entry<V>),
    /// It failed: now this one leads.
    Lead(Lead<K, V>),
    /// It yields nothing for others, or takes too long: this one is to fill for itself.
    Alone(Lead<K, V>),
}

impl<K: CacheKey, V: Send + Sync + 'static> Follow<K, V> {
    /// Waits until the fill yields something, for as long as the settings allow.
    ///
    /// Dropped before, it costs the others nothing.
    pub async fn wait(self) -> Followed<K, V> {
        let deadline = tooloo_clock::now() + self.cache.inner().config.follow_for;
        let Self {
            cache,
            key,
            mut landing,
        } = self;
        loop {
            let landed = landing.wait_for(|landing| !matches!(landing, Landing::UnderWay));
            let outcome = match tokio::time::timeout_at(deadline, landed).await {
                Ok(Ok(landing)) => match &*landing {
                    Landing::Entry(entry) => return Followed::Entry(entry.clone()),
                    Landing::Failed => None,
                    Landing::Pass | Landing::UnderWay => Some(()),
                },
                // A flight that is gone without a word has failed.
                Ok(Err(_)) => None,
                Err(_) => Some(()),
            };
            if outcome.is_some() {
                return Followed::Alone(Lead::alone(&cache, &key));
            }
            match Claim::new(&cache, &key) {
                Claim::Lead(lead) => return Followed::Lead(lead),
                Claim::Alone(lead) => return Followed::Alone(lead),
                Claim::Follow(next) => landing = next.landing,
            }
        }
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> fmt::Debug for Follow<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow").finish_non_exhaustive()
    }
}

impl<K: CacheKey, V: Send + Sync + 'static> fmt::Debug for Followed<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Entry(_) => "Entry",
            Self::Lead(_) => "Lead",
            Self::Alone(_) => "Alone",
        })
    }
}

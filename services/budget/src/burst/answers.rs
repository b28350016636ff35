//! Answers that are kept: in memory, on disk, and in a Redis that several nodes share.

use std::{convert::Infallible, path::PathBuf, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use tooloo_cache::{
    Cache, CacheConfig, CacheHandle, Entry, EntryOptions, Freshness, Lead, Outcome, Postcard,
    Purge,
    backend::{DiskConfig, DiskError, DiskTier, Redis, RedisConfig},
};
use tooloo_service::{CachePurge, CacheTarget, Secret, StartError};

/// What answers are kept under in a Redis.
const PREFIX: &str = "tooloo:budget:answers";

/// Ends a prompt, so that no key begins with another one.
const END: char = '\0';

/// Answers by prompt. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    cache: Cache<Arc<str>, Kept>,
    disk: Option<DiskTier<Kept>>,
}

/// What is kept of an answer.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Kept {
    pub(crate) text: String,
    pub(crate) provider: String,
    pub(crate) model: String,
}

/// Where answers are kept, and how much of them.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) memory: CacheConfig,
    pub(crate) folder: PathBuf,
    /// Nothing is kept on disk where it is zero.
    pub(crate) disk_bytes: u64,
    pub(crate) redis_url: Option<Secret>,
}

/// The right to keep the answer to a prompt, unless it is purged before it is there.
pub(crate) struct Keeping {
    lead: Lead<Arc<str>, Kept>,
    time: Duration,
}

impl Answers {
    /// Opens what was kept before.
    ///
    /// # Errors
    ///
    /// Returns a [`StartError`] where the folder cannot be used, and where the Redis's address makes no
    /// sense.
    pub(crate) async fn open(room: Room) -> Result<Self, StartError> {
        let weigh = |key: &Arc<str>, kept: &Kept| {
            let texts = [&kept.text, &kept.provider, &kept.model];
            let bytes = key.len() + texts.map(String::len).iter().sum::<usize>();
            u64::try_from(bytes).unwrap_or(u64::MAX)
        };
        let mut builder = Cache::builder(room.memory).with_weigher(weigh);
        let disk = match room.disk_bytes {
            0 => None,
            bytes => {
                let config = DiskConfig::new(room.folder).with_max_bytes(bytes);
                let opening = tokio::task::spawn_blocking(|| DiskTier::open(config, Postcard));
                match opening.await.map_err(StartError::new)? {
                    // Of two processes on one ledger, one keeps the answers.
                    Err(error @ DiskError::Locked { .. }) => {
                        tracing::warn!(%error, "answers are kept in memory only");
                        None
                    }
                    opened => Some(opened.map_err(StartError::new)?),
                }
            }
        };
        if let Some(disk) = &disk {
            builder = builder.with_tier(disk.clone());
        }
        if let Some(url) = room.redis_url {
            let config = RedisConfig::new(url.expose()).with_prefix(PREFIX);
            let redis = Redis::new(config).map_err(StartError::new)?;
            builder = builder
                .with_tier(redis.tier(Postcard))
                .with_backplane(redis.backplane());
        }
        Ok(Self {
            cache: builder.build(),
            disk,
        })
    }

    /// Returns what is kept for a prompt, however old.
    pub(super) async fn find(&self, prompt: &str) -> Option<Entry<Kept>> {
        self.cache.lookup(&key(prompt)).await
    }

    /// Returns the answer to a prompt that has come into memory meanwhile, if it is [good](is_good).
    pub(super) fn fresh(&self, prompt: &str, most: Duration) -> Option<Entry<Kept>> {
        let entry = self.cache.lookup_in_memory(&key(prompt))?;
        is_good(&entry, most).then_some(entry)
    }

    /// Asks to keep the answer to a prompt for some time.
    pub(super) fn keeping(&self, prompt: &str, time: Duration) -> Keeping {
        let lead = self.cache.alone(&key(prompt));
        Keeping { lead, time }
    }

    pub(super) fn count(&self, outcome: Outcome) {
        self.cache.count(outcome);
    }

    pub(crate) fn handle(&self) -> CacheHandle {
        self.cache.handle()
    }

    /// Forgets answers: by prompt, by how prompts begin, or by the provider or model as a tag.
    pub(crate) async fn purge(self, wanted: CachePurge) -> Result<(), Infallible> {
        let purge = match wanted.target {
            CacheTarget::Key(prompt) if !wanted.soft => {
                self.cache.remove(&key(&prompt)).await;
                return Ok(());
            }
            CacheTarget::Key(prompt) => Purge::prefix(key(&prompt).as_bytes()),
            CacheTarget::Prefix(prefix) => Purge::prefix(prefix),
            CacheTarget::Tag(tag) => Purge::tag(tag),
            CacheTarget::Group(group) => Purge::group(group),
            _ => return Ok(()),
        };
        let purge = if wanted.soft { purge.soft() } else { purge };
        self.cache.purge(purge).await;
        Ok(())
    }

    /// Writes what waits to disk, and leaves the folder to the next process.
    pub(crate) async fn close(&self) {
        if let Some(disk) = &self.disk {
            disk.close().await;
        }
    }
}

impl Keeping {
    pub(super) fn keep(self, kept: Kept) {
        let options = EntryOptions::new()
            .with_ttl(self.time)
            .with_tag(kept.provider.clone())
            .with_tag(kept.model.clone());
        drop(self.lead.store(kept, options));
    }
}

/// Says whether an answer can be given to one who takes it for so long.
pub(super) fn is_good(entry: &Entry<Kept>, most: Duration) -> bool {
    let now = tooloo_clock::coarse();
    entry.freshness(now) == Freshness::Fresh && entry.age(now) < most
}

/// Says whether an answer can be given where no provider gives one.
pub(super) fn is_better_than_nothing(entry: &Entry<Kept>) -> bool {
    entry.freshness(tooloo_clock::coarse()) <= Freshness::StaleIfError
}

fn key(prompt: &str) -> Arc<str> {
    format!("{prompt}{END}").into()
}

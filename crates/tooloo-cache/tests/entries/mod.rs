//! What the tests of the tiers share: entries, bodies that can be checked, sizes of folders.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::{fs, path::Path};

use bytes::Bytes;
use tooloo_cache::{Cache, CacheConfig, Entry, EntryOptions, Mark, Purge};

/// Makes entries and marks as a cache does.
pub(crate) struct Entries {
    cache: Cache<String, Bytes>,
    generation: std::sync::atomic::AtomicU64,
}

impl Entries {
    pub(crate) fn new() -> Self {
        Self {
            cache: Cache::new(CacheConfig::new()),
            generation: std::sync::atomic::AtomicU64::new(0),
        }
    }

    pub(crate) fn make(
        &self,
        key: &str,
        value: impl Into<Bytes>,
        options: EntryOptions,
    ) -> Entry<Bytes> {
        self.cache
            .insert_with(key.to_owned(), value.into(), options)
    }

    /// Purges, so that entries made from now on are from after it.
    pub(crate) async fn purge(&self, purge: Purge) -> Mark {
        self.cache.purge(purge.clone()).await;
        let generation = self
            .make("generation", "", EntryOptions::new())
            .record()
            .generation;
        Mark {
            purge,
            generation,
            sequence: None,
            wall: 0,
        }
    }
}

/// Bytes that do not compress, and that tell which entry and version they are of.
pub(crate) fn noise(key: &str, version: u64, length: usize) -> Bytes {
    let seed = key.bytes().fold(version, |seed, byte| {
        seed.wrapping_mul(31).wrapping_add(u64::from(byte))
    });
    let mut random = fastrand::Rng::with_seed(seed);
    (0..length).map(|_| random.u8(..)).collect()
}

/// JSON as a service answers it.
pub(crate) fn text(number: usize) -> String {
    let mut random = fastrand::Rng::with_seed(number as u64);
    let mut rows = String::new();
    for _ in 0..6 {
        let (id, score, tokens) = (random.u32(..), random.u16(..1000), random.u16(..));
        let name: String = (0..10).map(|_| random.lowercase()).collect();
        let row = format!(
            r#"{{"identifier":"{id:08x}","customerName":"{name}","averageScore":0.{score},"consumedTokens":{tokens},"recommendedAction":"none"}},"#
        );
        rows.push_str(&row);
    }
    format!(r#"{{"kind":"report","generatedBy":"tooloo","version":3,"entries":[{rows}null]}}"#)
}

/// Returns the size of a folder's files as the system tells it: the length or the room taken, the larger.
pub(crate) fn size(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;

    // A file may go while it is looked at.
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return 0;
    };
    if metadata.is_dir() {
        let files = fs::read_dir(path).into_iter().flatten().flatten();
        files.map(|file| size(&file.path())).sum()
    } else {
        metadata.len().max(metadata.blocks() * 512)
    }
}

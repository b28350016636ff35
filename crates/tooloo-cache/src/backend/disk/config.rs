//! Validated settings.

use std::{num::NonZeroUsize, path::PathBuf, sync::Arc, time::Duration};

use serde::Deserialize;

use crate::{
    backend::{DiskEngine, EncryptionKey, RedbEngine},
    config::duration,
};

/// Less room than this is not worth a disk: an engine's own files take some of it.
pub(crate) const MIN_BYTES: u64 = 16 << 20;

/// Memory for an engine's own cache of the segment that is written to: the system caches files anyway.
const MAX_CACHE: usize = 4 << 20;

/// Segments that the room is divided into, at least.
const SEGMENTS: u64 = 8;

/// Where a disk tier keeps entries, and how much of what it may hold.
///
/// ```
/// use tooloo_cache::backend::DiskConfig;
///
/// let config = DiskConfig::new("/var/cache/reports").with_max_bytes(256 << 20);
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DiskConfig {
    pub(crate) folder: PathBuf,
    #[serde(default = "max_bytes", deserialize_with = "room")]
    pub(crate) max_bytes: u64,
    #[serde(default = "max_entries")]
    pub(crate) max_entries: NonZeroUsize,
    #[serde(default = "max_marks")]
    pub(crate) max_marks: NonZeroUsize,
    #[serde(default = "queue_entries")]
    pub(crate) queue_entries: NonZeroUsize,
    #[serde(default = "queue_bytes")]
    pub(crate) queue_bytes: u64,
    #[serde(default = "commit_after", with = "duration")]
    pub(crate) commit_after: Duration,
    #[serde(default = "deadline", with = "duration")]
    pub(crate) deadline: Duration,
    #[serde(default = "readers")]
    pub(crate) readers: NonZeroUsize,
    #[serde(default = "dictionary_bytes")]
    pub(crate) dictionary_bytes: usize,
    #[serde(default)]
    pub(crate) encryption: Option<EncryptionKey>,
    #[serde(skip, default = "engine")]
    pub(crate) engine: Arc<dyn DiskEngine>,
}

impl DiskConfig {
    /// Keeps up to 1 GiB of entries in this folder, which is made where it is missing.
    ///
    /// It is the tier's alone: files of other names are left alone, but nobody else may use it at the
    /// same time.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            max_bytes: max_bytes(),
            max_entries: max_entries(),
            max_marks: max_marks(),
            queue_entries: queue_entries(),
            queue_bytes: queue_bytes(),
            commit_after: commit_after(),
            deadline: deadline(),
            readers: readers(),
            dictionary_bytes: dictionary_bytes(),
            encryption: None,
            engine: engine(),
        }
    }

    /// Bounds the size of its files; at least 16 MiB.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes.max(MIN_BYTES);
        self
    }

    /// Holds so many entries at most; a million by default.
    ///
    /// Each takes about 100 bytes of memory beside its key, so that a miss costs no look at the disk.
    #[must_use]
    pub fn with_max_entries(mut self, entries: NonZeroUsize) -> Self {
        self.max_entries = entries;
        self
    }

    /// Remembers so many purges of different targets; 10,000 by default.
    ///
    /// Beyond, all entries from before the last of them are dropped instead.
    #[must_use]
    pub fn with_max_marks(mut self, marks: NonZeroUsize) -> Self {
        self.max_marks = marks;
        self
    }

    /// Lets so many entries and bytes wait to be written, and drops what is more; 10,000 and 64 MiB by default.
    #[must_use]
    pub fn with_queue(mut self, entries: NonZeroUsize, bytes: u64) -> Self {
        self.queue_entries = entries;
        self.queue_bytes = bytes;
        self
    }

    /// Waits this long for more entries to write together; 5 milliseconds by default.
    #[must_use]
    pub fn with_commit_after(mut self, delay: Duration) -> Self {
        self.commit_after = delay;
        self
    }

    /// Gives a lookup this long, before it counts as a miss; a second by default.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Reads on so many threads; 2 by default.
    #[must_use]
    pub fn with_readers(mut self, readers: NonZeroUsize) -> Self {
        self.readers = readers;
        self
    }

    /// Trains dictionaries of so many bytes on what is stored, 16 KiB by default; none where it is zero.
    #[must_use]
    pub fn with_dictionary_bytes(mut self, bytes: usize) -> Self {
        self.dictionary_bytes = bytes;
        self
    }

    /// Encrypts what it writes; not by default. What was written otherwise is not read.
    #[must_use]
    pub fn with_encryption(mut self, key: impl Into<Option<EncryptionKey>>) -> Self {
        self.encryption = key.into();
        self
    }

    /// Keeps entries in this engine; [`RedbEngine`] by default. What another engine has written is dropped.
    #[must_use]
    pub fn with_engine(mut self, engine: impl DiskEngine) -> Self {
        self.engine = Arc::new(engine);
        self
    }

    /// Returns the size at which a segment is full: a power of two, since redb's files double.
    pub(crate) fn segment_bytes(&self) -> u64 {
        let share = self.max_bytes / SEGMENTS;
        1 << share.ilog2()
    }

    /// Returns how large an envelope may be.
    pub(crate) fn max_entry_bytes(&self) -> usize {
        usize::try_from(self.segment_bytes() / 4).unwrap_or(usize::MAX)
    }

    /// Returns how much memory the engine may use for the segment that is written to, and for another.
    pub(crate) fn writing_cache(&self) -> usize {
        usize::try_from(self.segment_bytes() / 8).map_or(MAX_CACHE, |bytes| bytes.min(MAX_CACHE))
    }

    pub(crate) fn reading_cache(&self) -> usize {
        self.writing_cache() / 4
    }

    pub(crate) fn segment_entries(&self) -> usize {
        (self.max_entries.get() / 8).max(1)
    }
}

fn room<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let bytes = u64::deserialize(deserializer)?;
    if bytes < MIN_BYTES {
        return Err(serde::de::Error::custom(
            "a disk tier needs 16 MiB at least",
        ));
    }
    Ok(bytes)
}

const fn at_least_one(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).expect("a default is above zero")
}

fn max_bytes() -> u64 {
    1 << 30
}

fn max_entries() -> NonZeroUsize {
    at_least_one(1_000_000)
}

fn max_marks() -> NonZeroUsize {
    at_least_one(10_000)
}

fn queue_entries() -> NonZeroUsize {
    at_least_one(10_000)
}

fn queue_bytes() -> u64 {
    64 << 20
}

fn commit_after() -> Duration {
    Duration::from_millis(5)
}

fn deadline() -> Duration {
    Duration::from_secs(1)
}

fn readers() -> NonZeroUsize {
    at_least_one(2)
}

fn dictionary_bytes() -> usize {
    16 << 10
}

fn engine() -> Arc<dyn DiskEngine> {
    Arc::new(RedbEngine)
}

//! What a cache asks of a store below its memory.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Serialize;

use crate::{Entry, Mark, Record};

/// Where a store lies.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Place {
    /// This machine: asked first, and written behind.
    Disk,
    /// Another machine that several caches share.
    Remote,
}

/// A store below the memory.
///
/// Errors are its own to count: to its cache, whatever cannot be read is a miss. No call may block a thread
/// of the runtime, and each ends within a deadline that is the tier's setting.
pub trait Tier<K, V>: Send + Sync + 'static {
    /// Returns where it lies.
    fn place(&self) -> Place;

    /// Returns what it knows from an earlier run, once, when a cache is made of it.
    fn restore(&self) -> Restored {
        Restored::default()
    }

    /// Returns the value and the record that were stored last for `key`.
    ///
    /// What waits to be written counts as stored.
    fn get<'a>(&'a self, key: &'a K) -> BoxFuture<'a, Option<Stored<V>>>;

    /// Stores an entry behind the caller's back: queues it, or sheds it and counts that.
    ///
    /// It is called under a lock: it neither waits nor calls back. Puts and removals of one key are carried
    /// out in the order of their calls. Where it sheds a value it still removes the one it stored before.
    fn put(&self, key: &K, entry: &Entry<V>);

    /// Queues the removal of a key, in order with [`put`](Self::put), under the same rules.
    fn remove(&self, key: &K);

    /// Waits until everything queued before this call is stored for good.
    fn flush(&self) -> BoxFuture<'_, ()>;

    /// Stores for good that a purge happened, so that [`restore`](Self::restore) knows of it.
    ///
    /// The first poll queues it, behind what was put before. A purge that has got a number since comes again,
    /// with that number.
    fn purge<'a>(&'a self, mark: &'a Mark) -> BoxFuture<'a, ()>;

    /// Forgets every entry.
    fn clear(&self) -> BoxFuture<'_, ()>;

    /// Drops the entries that `dead` names by the bytes of their keys and their records.
    fn sweep(&self, dead: Arc<Dead>) -> BoxFuture<'_, ()>;

    /// Gives unused space back, as far as it can.
    fn compact(&self) -> BoxFuture<'_, ()>;

    /// Returns its figures; hits and misses as well, which it counts itself.
    fn figures(&self) -> TierFigures;
}

/// Tells of an entry, by the bytes of its key and its record, whether it is dead.
pub type Dead = dyn Fn(&[u8], &Record) -> bool + Send + Sync;

/// A value from a store below the memory, and what is stored with it.
#[derive(Clone, Debug)]
pub struct Stored<V> {
    /// The value.
    pub value: V,
    /// What is stored with it.
    pub record: Record,
}

/// What a store remembers from an earlier run.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// The highest generation that any entry or mark in it has.
    pub generation: u64,
    /// The highest number of a change of other caches that any of them has.
    pub sequence: u64,
    /// The purges that it still holds entries from before.
    pub marks: Vec<Mark>,
}

/// What a store holds and has done; what it cannot know is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TierFigures {
    /// Entries in it.
    pub entries: Option<u64>,
    /// Bytes of its values, before compression.
    pub bytes: Option<u64>,
    /// Bytes that they take, after compression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressed_bytes: Option<u64>,
    /// Bytes of the files that hold them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_bytes: Option<u64>,
    /// Lookups that found a sound entry.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
    /// Entries that could not be read or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<u64>,
    /// Writes that were dropped because the queue was full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shed: Option<u64>,
    /// Writes that wait in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued: Option<u64>,
    /// Entries that were dropped for room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evictions: Option<u64>,
}

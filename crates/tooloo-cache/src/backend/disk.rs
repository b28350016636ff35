//! Entries on a disk of this machine's.
//!
//! Callers touch an index in memory and a bounded queue. One thread writes what waits, many entries in a
//! commit, and a few threads read. The files are *segments* of a storage engine's: the newest is written
//! to, the oldest is deleted as a whole, so that the bound holds with any engine. What changes an entry is
//! written behind it and has a higher number; opening a folder reads the small heads, not the bodies.

mod batch;
mod config;
mod error;
mod index;
mod lock;
mod marks;
mod note;
mod queue;
mod reader;
mod replay;
mod room;
mod segment;
mod slot;
mod store;
mod sweep;
mod untyped;
mod upkeep;
mod writer;

use std::{any::Any, fmt, marker::PhantomData, sync::Arc};

use futures_util::future::BoxFuture;

pub use self::{config::DiskConfig, error::DiskError};

#[cfg(feature = "redis")]
pub(crate) use self::store::LEVEL;

use self::{
    lock::{lock, lock_write},
    queue::Job,
    store::increment,
    untyped::Disk,
};
use crate::{
    CacheKey, Codec, Entry, Mark, Postcard,
    tier::{Dead, Place, Restored, Stored, Tier, TierFigures},
};

/// Keeps entries on a disk, in a folder of its own.
///
/// Lookups and writes never block: they hand over to threads of its own. What is stored waits in a bounded
/// queue; what does not fit is dropped and counted. A purge or a flush has come to disk when it returns. Files
/// that cannot be read are counted, deleted and otherwise ignored.
///
/// Clones share all of it. When the last one is dropped, what waits is still written.
pub struct DiskTier<V, C = Postcard> {
    disk: Arc<Disk>,
    codec: Arc<C>,
    values: PhantomData<fn() -> V>,
}

impl<V: 'static, C: Codec<V>> DiskTier<V, C> {
    /// Opens the folder and reads what lies there; it blocks meanwhile.
    ///
    /// # Errors
    ///
    /// Returns [`DiskError::Locked`] where another process uses the folder, and others where it cannot be
    /// used at all. Files in it that cannot be read are no error.
    #[expect(
        clippy::missing_panics_doc,
        reason = "values are of the tier's own type"
    )]
    pub fn open(config: DiskConfig, codec: C) -> Result<Self, DiskError> {
        let codec = Arc::new(codec);
        let encoding = Arc::clone(&codec);
        let encode = move |value: &dyn Any, out: &mut Vec<u8>| {
            let value = value.downcast_ref::<V>();
            encoding.encode(value.expect("a tier is given values of its own type"), out)
        };
        Ok(Self {
            disk: Arc::new(Disk::open(config, Box::new(encode))?),
            codec,
            values: PhantomData,
        })
    }

    /// Writes what waits, closes the files and leaves the folder to others.
    ///
    /// From then on it finds and stores nothing.
    pub async fn close(&self) {
        self.disk.close();
        let closed = lock(&self.disk.closed).take();
        if let Some(closed) = closed {
            // An error says that the thread has ended, too.
            let _ = closed.await;
        }
    }
}

impl<K, V, C> Tier<K, V> for DiskTier<V, C>
where
    K: CacheKey,
    V: Send + Sync + 'static,
    C: Codec<V>,
{
    fn place(&self) -> Place {
        Place::Disk
    }

    fn restore(&self) -> Restored {
        std::mem::take(&mut lock(&self.disk.restored))
    }

    fn get<'a>(&'a self, key: &'a K) -> BoxFuture<'a, Option<Stored<V>>> {
        Box::pin(async move {
            let (record, bytes) = self.disk.find(&key.bytes()).await?;
            let value = self.codec.decode(bytes);
            if value.is_err() {
                increment(&self.disk.store.counts.errors);
            }
            let value = value.ok()?;
            Some(Stored { value, record })
        })
    }

    fn put(&self, key: &K, entry: &Entry<V>) {
        self.disk.store.insert(&key.bytes(), entry.erased());
    }

    fn remove(&self, key: &K) {
        self.disk.store.remove(&key.bytes());
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        self.disk.ask(|_, done| Job::Flush(done))
    }

    fn purge<'a>(&'a self, mark: &'a Mark) -> BoxFuture<'a, ()> {
        // At once: what waits to be written and is covered is not written any more.
        lock_write(&self.disk.store.marks).add(mark.clone(), u64::MAX);
        let mark = mark.clone();
        self.disk
            .ask(move |number, done| Job::Purge { mark, number, done })
    }

    fn clear(&self) -> BoxFuture<'_, ()> {
        self.disk.store.forget();
        self.disk.ask(|_, done| Job::Clear(done))
    }

    fn sweep(&self, dead: Arc<Dead>) -> BoxFuture<'_, ()> {
        self.disk.ask(move |_, done| Job::Sweep(dead, done))
    }

    fn compact(&self) -> BoxFuture<'_, ()> {
        self.disk.ask(|_, done| Job::Compact(done))
    }

    fn figures(&self) -> TierFigures {
        self.disk.store.figures()
    }
}

impl<V, C> Clone for DiskTier<V, C> {
    fn clone(&self) -> Self {
        Self {
            disk: Arc::clone(&self.disk),
            codec: Arc::clone(&self.codec),
            values: PhantomData,
        }
    }
}

impl<V, C> fmt::Debug for DiskTier<V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = &self.disk.store.config;
        f.debug_struct("DiskTier")
            .field("folder", &config.folder)
            .field("engine", &config.engine.name())
            .finish_non_exhaustive()
    }
}

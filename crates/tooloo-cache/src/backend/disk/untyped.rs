//! The tier without its types: its threads, and what they share with it.

use std::{
    sync::{Arc, Mutex},
    thread,
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::{sync::oneshot, time::timeout};

use super::{
    config::DiskConfig,
    error::DiskError,
    lock::lock,
    queue::Job,
    reader::{self, Readers},
    replay,
    slot::Place,
    store::{Store, increment},
};
use crate::{
    Record,
    backend::{Encode, wall_millis},
    tier::Restored,
};

/// A tier's threads and what they share with it.
pub(super) struct Disk {
    pub(super) store: Arc<Store>,
    readers: Mutex<Option<Readers>>,
    pub(super) restored: Mutex<Restored>,
    pub(super) closed: Mutex<Option<oneshot::Receiver<()>>>,
}

impl Disk {
    pub(super) fn open(config: DiskConfig, encode: Box<Encode>) -> Result<Self, DiskError> {
        let readers = config.readers.get();
        let store = Arc::new(Store::new(config, encode));
        let lock = replay::lock(&store)?;
        let (writer, restored) = replay::replay(&store, lock)?;
        let (done, closed) = oneshot::channel();
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = thread::Builder::new().name(format!("tooloo-cache-{name}"));
            thread.spawn(run).map_err(DiskError::Thread)
        };
        spawn(
            "write",
            Box::new(move || {
                writer.run();
                // Whoever wants to know may have gone.
                let _ = done.send(());
            }),
        )?;
        let (asking, lookups) = Readers::new();
        let disk = Self {
            readers: Mutex::new(Some(asking)),
            restored: Mutex::new(restored),
            closed: Mutex::new(Some(closed)),
            store: Arc::clone(&store),
        };
        for _ in 0..readers {
            let (store, lookups) = (Arc::clone(&store), lookups.clone());
            spawn("read", Box::new(move || reader::read(&store, &lookups)))?;
        }
        Ok(disk)
    }

    pub(super) fn close(&self) {
        self.store.queue.close();
        lock(&self.readers).take();
    }

    /// Returns the record and the bytes that are stored for a key.
    pub(super) async fn find(&self, key: &[u8]) -> Option<(Record, Bytes)> {
        let found = self.look(key).await;
        let counts = &self.store.counts;
        let counter = match found {
            Some(_) => &counts.hits,
            None => &counts.misses,
        };
        increment(counter);
        found
    }

    async fn look(&self, key: &[u8]) -> Option<(Record, Bytes)> {
        let store = &self.store;
        let (key, place) = {
            let mut shard = store.index.shard(key);
            let (known, _) = shard.get_key_value(key)?;
            let known = Arc::clone(known);
            let slot = shard.get_mut(key)?;
            slot.used = true;
            (known, slot.place.clone())
        };
        match place {
            Place::Waiting(waiting) | Place::Taken(waiting) => {
                let mut bytes = Vec::new();
                (store.encode)(waiting.entry.value(), &mut bytes).ok()?;
                Some((waiting.entry.record().clone(), bytes.into()))
            }
            Place::Written(written) => {
                if written.dead_from <= wall_millis() {
                    return None;
                }
                let reply = lock(&self.readers).as_ref()?.read(key, written)?;
                if let Ok(reply) = timeout(store.config.deadline, reply).await {
                    reply.ok().flatten()
                } else {
                    increment(&store.counts.errors);
                    None
                }
            }
        }
    }

    /// Queues a job, and returns what waits for it; a closed tier has none left to do.
    pub(super) fn ask(
        &self,
        job: impl FnOnce(u64, oneshot::Sender<()>) -> Job,
    ) -> BoxFuture<'static, ()> {
        let done = self.store.queue.ask(job);
        Box::pin(async move {
            // An error says that the writer has ended.
            let _ = done.await;
        })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.close();
    }
}

//! The tier that keeps entries in a server.

use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, atomic::Ordering},
};

use futures_util::future::BoxFuture;
use tokio::{sync::oneshot, time::timeout};

use super::{outbox::Op, sender, server::Inner};
use crate::{
    CacheKey, Codec, Dead, Entry, Mark, Place, Postcard, Stored, Tier, TierFigures, backend::Typed,
};

/// Keeps entries in a server that other caches use too.
pub struct RedisTier<V, C = Postcard> {
    pub(super) server: Arc<Inner>,
    pub(super) codec: Arc<C>,
    pub(super) values: PhantomData<fn() -> V>,
}

impl<K, V, C> Tier<K, V> for RedisTier<V, C>
where
    K: CacheKey,
    V: Send + Sync + 'static,
    C: Codec<V>,
{
    fn place(&self) -> Place {
        Place::Remote
    }

    fn get<'a>(&'a self, key: &'a K) -> BoxFuture<'a, Option<Stored<V>>> {
        Box::pin(async move {
            let (record, bytes) = self.server.find(&key.bytes()).await?;
            let value = self.codec.decode(bytes);
            if value.is_err() {
                self.server.errors.fetch_add(1, Ordering::Relaxed);
            }
            let value = value.ok()?;
            Some(Stored { value, record })
        })
    }

    fn put(&self, key: &K, entry: &Entry<V>) {
        let payload = Typed {
            entry: entry.clone(),
            codec: Arc::clone(&self.codec),
        };
        self.server
            .push(Op::Put((*key.bytes()).into(), Box::new(payload)));
    }

    fn remove(&self, key: &K) {
        self.server.push(Op::Remove((*key.bytes()).into()));
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        let (done, wait) = oneshot::channel();
        self.server.push(Op::Flush(done));
        let deadline = self.server.config.deadline;
        Box::pin(async move {
            // While the server is away, what waits goes on waiting.
            let _ = timeout(deadline, wait).await;
        })
    }

    /// Does nothing: the backplane gives the purge its number, by which the cache tells what it covers.
    fn purge<'a>(&'a self, _mark: &'a Mark) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    fn clear(&self) -> BoxFuture<'_, ()> {
        Box::pin(sender::clear(&self.server))
    }

    /// Does nothing: the server drops what expires.
    fn sweep(&self, _dead: Arc<Dead>) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn compact(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    fn figures(&self) -> TierFigures {
        let server = &*self.server;
        let outbox = server.outbox();
        TierFigures {
            hits: server.hits.load(Ordering::Relaxed),
            misses: server.misses.load(Ordering::Relaxed),
            errors: Some(server.errors.load(Ordering::Relaxed)),
            shed: Some(outbox.shed),
            queued: Some(outbox.len() as u64),
            ..TierFigures::default()
        }
    }
}

impl<V, C> Clone for RedisTier<V, C> {
    fn clone(&self) -> Self {
        Self {
            server: Arc::clone(&self.server),
            codec: Arc::clone(&self.codec),
            values: PhantomData,
        }
    }
}

impl<V, C> fmt::Debug for RedisTier<V, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisTier").field(&self.server).finish()
    }
}

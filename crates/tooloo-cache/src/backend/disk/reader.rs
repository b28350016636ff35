//! The threads that read: a runtime's threads never wait for the disk.

use std::sync::{
    Arc, Mutex,
    mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{
    lock::lock,
    slot::Written,
    store::{Store, increment},
};
use crate::{Record, backend::engine::Space};

/// Lookups that wait; more are misses.
const WAITING: usize = 1024;

/// Asks the readers.
pub(crate) struct Readers(SyncSender<Lookup>);

struct Lookup {
    key: Arc<[u8]>,
    written: Written,
    reply: oneshot::Sender<Option<(Record, Bytes)>>,
}

impl Readers {
    /// Returns these, and what its threads are to [run](read) with.
    pub(crate) fn new() -> (Self, Lookups) {
        let (sender, receiver) = sync_channel(WAITING);
        (Self(sender), Lookups(Arc::new(Mutex::new(receiver))))
    }

    /// Has an entry read; `None` at once where too many lookups wait.
    pub(crate) fn read(
        &self,
        key: Arc<[u8]>,
        written: Written,
    ) -> Option<oneshot::Receiver<Option<(Record, Bytes)>>> {
        let (reply, wait) = oneshot::channel();
        let lookup = Lookup {
            key,
            written,
            reply,
        };
        match self.0.try_send(lookup) {
            Ok(()) => Some(wait),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => None,
        }
    }
}

/// Where the readers' threads find what to do.
#[derive(Clone)]
pub(crate) struct Lookups(Arc<Mutex<Receiver<Lookup>>>);

/// Reads until nobody can ask any more.
pub(crate) fn read(store: &Store, lookups: &Lookups) {
    loop {
        let lookup = lock(&lookups.0).recv();
        let Ok(lookup) = lookup else {
            return;
        };
        // Who gave up waiting needs no answer.
        if !lookup.reply.is_closed() {
            let found = find(store, &lookup);
            let _ = lookup.reply.send(found);
        }
    }
}

fn find(store: &Store, lookup: &Lookup) -> Option<(Record, Bytes)> {
    let Written {
        segment, number, ..
    } = lookup.written;
    // Without the segment, the entry has gone or moved since.
    let file = store.segments.get(segment)?;
    let envelope = file.get(Space::Bodies, number);
    let opened = match &envelope {
        Ok(Some(envelope)) => store.envelopes.open(&lookup.key, envelope).ok(),
        Ok(None) | Err(_) => None,
    };
    if opened.is_none() {
        let mut shard = store.index.shard(&lookup.key);
        if shard
            .get(&lookup.key)
            .is_some_and(|slot| slot.is_written_as(number))
        {
            // On the disk, too, or it would be missed anew after each restart.
            store.remove_from(&mut shard, &lookup.key);
            increment(&store.counts.errors);
        }
    }
    opened
}

//! A part of all keys, which grows and is swept at once.

use std::sync::{Mutex, MutexGuard, atomic::AtomicUsize};

use sdd::{AtomicOwned, Guard, Owned, Tag};
use tooloo_key::Key;

use super::{block::Held, hasher::ByBytes, sweep::Sweep, table::Table};
use crate::{
    state::{Aside, Bucket},
    sync::{Ordering, lock},
};

/// Keys and their buckets: found without a lock, and changed under one.
#[derive(Debug, Default)]
pub(super) struct Shard {
    // None until there is a key.
    table: AtomicOwned<Table>,
    writer: Mutex<Writer>,
    // New keys since the last sweep.
    pub(super) came: AtomicUsize,
}

/// What those alone know who change a shard.
#[derive(Debug, Default)]
pub(super) struct Writer {
    // Slots of the table that were ever taken.
    taken: usize,
    /// Keys that are held.
    pub(super) keys: usize,
    pub(super) sweep: Sweep,
}

impl Shard {
    /// Finds the bucket of `key`, whose hash this is.
    #[inline]
    pub(super) fn find<'g>(&self, hash: u64, key: &Key, guard: &'g Guard) -> Option<&'g Bucket> {
        self.table(guard)?.find(hash, key)
    }

    #[inline]
    pub(super) fn table<'g>(&self, guard: &'g Guard) -> Option<&'g Table> {
        self.table.load(Ordering::Acquire, guard).as_ref()
    }

    /// Waits until nobody changes the shard, and keeps others from it.
    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        lock(&self.writer)
    }

    pub(super) fn try_writer(&self) -> Option<MutexGuard<'_, Writer>> {
        self.writer.try_lock().ok()
    }

    /// Adds a key that is not there, unless [room must be made](Self::make_room) first.
    pub(super) fn add(&self, writer: &mut Writer, hash: u64, held: Held, guard: &Guard) -> bool {
        let table = self.table(guard);
        let Some(table) = table.filter(|table| writer.taken < table.room()) else {
            return false;
        };
        table.add(hash, held);
        writer.taken += 1;
        writer.keys += 1;
        true
    }

    /// Puts what `make` makes of a key's bucket in its place; returns whether there was one, and it could.
    ///
    /// [Room must be made](Self::make_room) first.
    pub(super) fn replace(
        &self,
        writer: &mut Writer,
        (hash, key): (u64, &Key),
        make: impl FnOnce(&Bucket) -> Result<Bucket, Aside>,
        guard: &Guard,
    ) -> bool {
        let table = self.table(guard);
        let found = table.and_then(|table| Some((table, table.find(hash, key)?)));
        let Some((table, former)) = found else {
            return false;
        };
        let Ok(bucket) = make(former) else {
            return false;
        };
        let key = key.clone();
        table.add(hash, Held { key, bucket });
        writer.taken += 1;
        // Until now it was found first, and whoever found it knew that another was to come.
        table.forget(hash, former);
        true
    }

    /// Lets go of a table all of whose keys are forgotten.
    pub(super) fn clear(&self, writer: &mut Writer) {
        writer.taken = 0;
        drop(self.table.swap((None, Tag::None), Ordering::AcqRel));
    }

    /// Sees to it that there is room for one more key, in another table if need be.
    ///
    /// Only the holder of the waiting room's lock may: others rely on it that buckets stay where they are.
    pub(super) fn make_room(&self, writer: &mut Writer, hasher: &ByBytes, guard: &Guard) {
        let former = self.table(guard);
        if former.is_some_and(|table| writer.taken < table.room()) {
            return;
        }
        let table = Table::with_room_for(writer.keys);
        writer.taken = 0;
        for Held { key, bucket } in former.into_iter().flat_map(Table::iter) {
            // Nobody else moves or forgets a bucket at the same time.
            if let Ok(bucket) = bucket.carried() {
                let key = key.clone();
                table.add(hasher.hash(&key), Held { key, bucket });
                writer.taken += 1;
            }
        }
        debug_assert_eq!(writer.taken, writer.keys, "each key has one bucket");
        // The former is freed once nobody looks at it.
        let table = (Some(Owned::new(table)), Tag::None);
        drop(self.table.swap(table, Ordering::AcqRel));
    }
}

//! Finds a key's bucket, or makes one.

use tooloo_clock::Moment;
use tooloo_key::Key;

use super::{Engine, room::Room};
use crate::{
    keys::{NotAdded, Pinned},
    state::Bucket,
    sync::{Ordering, lock},
};

impl Engine {
    /// Does something at `key`'s bucket, or at the one that strangers share where it has none.
    #[inline]
    pub(super) fn at<T>(&self, key: &Key, act: impl Fn(&Pinned<'_>) -> Option<T>) -> T {
        act(&self.keys.pin(key)).unwrap_or_else(|| {
            act(&self.keys.pin_overflow()).expect("there is always room for the strangers' bucket")
        })
    }

    /// Finds a bucket of the present settings, or adds one.
    #[inline]
    pub(super) fn bucket<'a>(&self, pinned: &'a Pinned<'_>, now: Moment) -> Option<&'a Bucket> {
        match pinned.find() {
            Some(bucket) if !self.is_stale(bucket) => Some(bucket),
            _ => self.fresh_bucket(pinned, now),
        }
    }

    #[cold]
    fn fresh_bucket<'a>(&self, pinned: &'a Pinned<'_>, now: Moment) -> Option<&'a Bucket> {
        loop {
            match pinned.find() {
                Some(bucket) if !self.is_stale(bucket) => return Some(bucket),
                Some(_) => self.renew(&lock(&self.room), pinned, now),
                None => match self.add(pinned, now) {
                    Ok(()) => {}
                    Err(NotAdded::Crowded) => {
                        let _room = lock(&self.room);
                        pinned.grow();
                    }
                    Err(NotAdded::Full) => return None,
                },
            }
        }
    }

    /// Finds a bucket of the present settings, or adds one, under the room's lock.
    pub(super) fn bucket_in<'a>(
        &self,
        room: &Room,
        pinned: &'a Pinned<'_>,
        now: Moment,
    ) -> Option<&'a Bucket> {
        loop {
            match pinned.find() {
                Some(bucket) if !self.is_stale(bucket) => return Some(bucket),
                Some(_) => self.renew(room, pinned, now),
                None => match self.add(pinned, now) {
                    Ok(()) => {}
                    Err(NotAdded::Crowded) => pinned.grow(),
                    Err(NotAdded::Full) => return None,
                },
            }
        }
    }

    fn add(&self, pinned: &Pinned<'_>, now: Moment) -> Result<(), NotAdded> {
        let mut forgotten = Vec::new();
        let added = pinned.add(self.terms.get(pinned.guard()), now, &mut forgotten);
        self.figures.board.forget(forgotten);
        added
    }

    #[inline]
    pub(super) fn is_stale(&self, bucket: &Bucket) -> bool {
        bucket.policy().generation() != self.generation.load(Ordering::Acquire)
    }
}

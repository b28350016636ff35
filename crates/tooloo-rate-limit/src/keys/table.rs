//! Finds keys by their hashes: one thread at a time adds and forgets, all others look at the same time.
//!
//! A key keeps its slot as long as the table stands, and the slot is never another's: whoever has found a bucket can
//! go on with it. Tags are few bytes and near; a slot is one cache line: finding a bucket takes one step into memory
//! that is far off, where a map of pointers takes three.

use std::ptr;

use tooloo_key::Key;

use super::{
    block::{Block, GROUPS, Held, SLOTS},
    group::Group,
};
use crate::state::Bucket;

/// As many keys as there is room for, and their buckets: open addressing, with linear probing by groups.
#[derive(Debug)]
pub(crate) struct Table {
    blocks: Box<[Block]>,
}

/// A group in one of the blocks.
#[derive(Clone, Copy, Debug)]
struct Spot {
    block: usize,
    group: usize,
}

impl Table {
    /// Makes an empty table with room for `keys` and a sixth more.
    pub(crate) fn with_room_for(keys: usize) -> Self {
        let blocks = keys * 4 / 3 / SLOTS + 1;
        Self {
            blocks: (0..blocks).map(|_| Block::default()).collect(),
        }
    }

    /// Returns how many keys may ever be added: an eighth of the slots stay empty, or searches would find no end.
    pub(crate) fn room(&self) -> usize {
        self.blocks.len() * (SLOTS - SLOTS / 8)
    }

    /// Finds the bucket of `key`, whose hash this is.
    #[inline]
    pub(crate) fn find(&self, hash: u64, key: &Key) -> Option<&Bucket> {
        let tag = Group::tag(hash);
        let mut spot = self.first(hash);
        loop {
            let block = &self.blocks[spot.block];
            let group = block.group(spot.group);
            for place in group.tagged(tag) {
                if let Some(held) = block.held(spot.group, place)
                    && held.key == *key
                {
                    return Some(&held.bucket);
                }
            }
            if group.empty().is_some() {
                return None;
            }
            spot = self.next(spot);
        }
    }

    /// Adds a key where there is [room](Self::room) for it. If it is there already, that bucket is found first.
    pub(crate) fn add(&self, hash: u64, held: Held) {
        let mut spot = self.first(hash);
        loop {
            let block = &self.blocks[spot.block];
            if let Some(place) = block.group(spot.group).empty() {
                return block.take(spot.group, place, Group::tag(hash), held);
            }
            spot = self.next(spot);
        }
    }

    /// Forgets the keys that are `wanted` no more.
    pub(crate) fn retain(&self, mut wanted: impl FnMut(&Held) -> bool) {
        for block in &self.blocks {
            for at in 0..GROUPS {
                let unwanted = block.all(at).filter(|(_, held)| !wanted(held));
                unwanted.for_each(|(place, _)| block.forget(at, place));
            }
        }
    }

    /// Forgets one bucket, which was found under this hash.
    pub(crate) fn forget(&self, hash: u64, bucket: &Bucket) {
        let mut spot = self.first(hash);
        loop {
            let block = &self.blocks[spot.block];
            let mut all = block.all(spot.group);
            if let Some((place, _)) = all.find(|(_, held)| ptr::eq(&raw const held.bucket, bucket))
            {
                return block.forget(spot.group, place);
            }
            if block.group(spot.group).empty().is_some() {
                return;
            }
            spot = self.next(spot);
        }
    }

    /// Returns all keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Held> {
        let blocks = self.blocks.iter();
        blocks.flat_map(|block| (0..GROUPS).flat_map(|at| block.all(at).map(|(_, held)| held)))
    }

    /// Returns where the search for a hash begins: its highest bits choose.
    #[inline]
    fn first(&self, hash: u64) -> Spot {
        let (block, rest) = scaled(hash, self.blocks.len());
        let (group, _) = scaled(rest, GROUPS);
        Spot { block, group }
    }

    #[inline]
    fn next(&self, Spot { block, group }: Spot) -> Spot {
        if group + 1 < GROUPS {
            return Spot {
                block,
                group: group + 1,
            };
        }
        let block = if block + 1 < self.blocks.len() {
            block + 1
        } else {
            0
        };
        Spot { block, group: 0 }
    }
}

/// Returns which of `parts` equal parts of all numbers has `number`, and where in that it is.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    reason = "each half of the product is taken by itself"
)]
fn scaled(number: u64, parts: usize) -> (usize, u64) {
    let product = u128::from(number) * parts as u128;
    ((product >> 64) as usize, product as u64)
}

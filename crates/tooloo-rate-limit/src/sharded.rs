//! Gives each thread a shard of its own to write to.

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
    thread::available_parallelism,
};

use crossbeam_utils::CachePadded;

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// One of the process's threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thread(usize);

/// A value in as many copies as threads run at once, each on cache lines of its own.
#[derive(Debug)]
pub(crate) struct Sharded<T> {
    shards: Box<[CachePadded<T>]>,
}

impl<T: Default> Default for Sharded<T> {
    fn default() -> Self {
        // More shards than this cost memory and save no time.
        let threads = available_parallelism().map_or(1, usize::from).min(16);
        let shards = (0..threads.next_power_of_two()).map(|_| CachePadded::default());
        Self {
            shards: shards.collect(),
        }
    }
}

impl<T> Sharded<T> {
    /// Returns a thread's copy.
    #[inline]
    pub(crate) fn of(&self, thread: Thread) -> &T {
        &self.shards[thread.0 & (self.shards.len() - 1)]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.shards.iter().map(|shard| &**shard)
    }
}

impl Thread {
    /// Returns the calling thread.
    #[inline]
    pub(crate) fn current() -> Self {
        let number = NUMBER.get();
        Self(if number == usize::MAX {
            number_thread()
        } else {
            number
        })
    }
}

#[cold]
fn number_thread() -> usize {
    let number = NEXT.fetch_add(1, Ordering::Relaxed) & (usize::MAX >> 1);
    NUMBER.set(number);
    number
}

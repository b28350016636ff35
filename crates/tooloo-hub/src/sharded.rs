//! Gives each thread a shard of its own to write to, which threads beyond the processor's number share.

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
///
/// Whoever writes to several [`Sharded`] values asks for it once.
#[derive(Clone, Copy, Debug)]
pub struct Thread(usize);

/// A value in as many copies as threads run at once, each on cache lines of its own.
///
/// Threads may share a copy, so it is changed by atomic operations; where counting is all, [`PerThread`](crate::PerThread)
/// needs none.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
///
/// use tooloo_hub::Sharded;
///
/// let waiting = Sharded::<AtomicU64>::default();
/// waiting.own().fetch_add(1, Ordering::Relaxed);
/// let sum: u64 = waiting.all().map(|shard| shard.load(Ordering::Relaxed)).sum();
/// assert_eq!(sum, 1);
/// ```
#[derive(Debug)]
pub struct Sharded<T> {
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
    pub fn of(&self, thread: Thread) -> &T {
        &self.shards[thread.0 & (self.shards.len() - 1)]
    }

    /// Returns the calling thread's copy.
    #[inline]
    pub fn own(&self) -> &T {
        self.of(Thread::current())
    }

    /// Returns all copies.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.shards.iter().map(|shard| &**shard)
    }
}

impl Thread {
    /// Returns the calling thread.
    #[inline]
    pub fn current() -> Self {
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

//! Counters that each thread keeps for itself, for what happens too often to share one.
//!
//! An atomic increment takes longer than some of the decisions that are counted, and two threads that share a counter
//! wait for its cache line. A counter that one thread alone writes needs neither: it is read, added to and written
//! back.

use std::{
    cell::Cell,
    sync::{
        LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::available_parallelism,
};

use crossbeam_utils::CachePadded;

/// Counters in a copy for each thread that has a number, and one for all others.
///
/// `T` holds the counters, and says nothing else. As many threads have a number as run at once, up to eighteen; it is
/// given back when a thread ends, and what the thread has counted stays.
///
/// ```
/// use std::sync::atomic::AtomicU64;
///
/// use tooloo_hub::PerThread;
///
/// #[derive(Default)]
/// struct Counts {
///     hits: AtomicU64,
/// }
///
/// let counts = PerThread::<Counts>::new();
/// counts.add(1, |counts| &counts.hits);
/// assert_eq!(counts.sum(|counts| &counts.hits), 1);
/// ```
#[derive(Debug)]
pub struct PerThread<T> {
    copies: Box<[CachePadded<T>]>,
    others: CachePadded<T>,
}

/// How many threads have a number at once: those that run, and a few that wait.
static NUMBERS: LazyLock<usize> =
    LazyLock::new(|| available_parallelism().map_or(1, usize::from).min(16) + 2);

/// The numbers that no thread has.
static FREE: LazyLock<Mutex<Vec<usize>>> =
    LazyLock::new(|| Mutex::new((0..*NUMBERS).rev().collect()));

/// Of a thread that has not asked for a number.
const UNASKED: usize = usize::MAX;
/// Of a thread for which there is none.
const OTHER: usize = usize::MAX - 1;

thread_local! {
    static NUMBER: Cell<usize> = const { Cell::new(UNASKED) };
    static LEASE: Lease = const { Lease };
}

/// Gives a thread's number back when the thread ends.
struct Lease;

impl<T: Default> PerThread<T> {
    /// Creates counters that have counted nothing.
    pub fn new() -> Self {
        Self {
            copies: (0..*NUMBERS).map(|_| CachePadded::default()).collect(),
            others: CachePadded::default(),
        }
    }
}

impl<T> PerThread<T> {
    /// Adds to one of the counters.
    #[inline]
    pub fn add(&self, number: u64, count: impl Fn(&T) -> &AtomicU64) {
        match self.own() {
            Some(copy) => add_to_own(count(copy), number),
            None => self.add_slowly(number, count),
        }
    }

    /// Returns the copy that the calling thread alone adds to, with [`add_to_own`], where it has a number.
    #[inline]
    pub fn own(&self) -> Option<&T> {
        self.copies.get(NUMBER.get()).map(|copy| &**copy)
    }

    /// Returns what the calling thread has counted.
    #[inline]
    pub fn mine(&self, count: impl Fn(&T) -> &AtomicU64) -> u64 {
        let copy = self.copies.get(NUMBER.get()).unwrap_or(&self.others);
        count(copy).load(Ordering::Relaxed)
    }

    /// Returns what all threads have counted.
    pub fn sum(&self, count: impl Fn(&T) -> &AtomicU64) -> u64 {
        let copies = self.copies.iter().chain([&self.others]);
        copies.map(|copy| count(copy).load(Ordering::Relaxed)).sum()
    }

    #[cold]
    fn add_slowly(&self, number: u64, count: impl Fn(&T) -> &AtomicU64) {
        if NUMBER.get() == UNASKED && Lease::take() {
            return self.add(number, count);
        }
        count(&self.others).fetch_add(number, Ordering::Relaxed);
    }
}

/// Adds to a counter of the calling thread's [own](PerThread::own), which no other thread writes: nothing is lost in
/// between.
#[inline]
pub fn add_to_own(count: &AtomicU64, number: u64) {
    let next = count.load(Ordering::Relaxed) + number;
    count.store(next, Ordering::Relaxed);
}

impl<T: Default> Default for PerThread<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl Lease {
    /// Takes a number for the calling thread; returns whether there was one.
    fn take() -> bool {
        // In a thread that is ending nothing would give it back.
        let number = LEASE.try_with(|_| free().pop()).ok().flatten();
        NUMBER.set(number.unwrap_or(OTHER));
        number.is_some()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let number = NUMBER.replace(OTHER);
        if number < OTHER {
            free().push(number);
        }
    }
}

/// Handing a number on under the lock also hands on what its counters hold.
fn free() -> MutexGuard<'static, Vec<usize>> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{sync::Barrier, thread};

    use super::*;

    #[test]
    fn nothing_is_lost_however_many_threads_count_and_end() {
        let counts = PerThread::<AtomicU64>::new();
        // More than there are numbers, all there at once.
        let threads = *NUMBERS + 2;
        let start = Barrier::new(threads);
        let count = || (0..50).for_each(|_| counts.add(1, |count| count));
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    count();
                    start.wait();
                    // Then threads that take over the numbers of those that have ended.
                    (0..20).for_each(|_| {
                        thread::scope(|scope| drop(scope.spawn(count)));
                    });
                });
            }
        });
        assert_eq!(counts.sum(|count| count), threads as u64 * 21 * 50);
        assert!(counts.others.load(Ordering::Relaxed) >= 2 * 50);
    }
}

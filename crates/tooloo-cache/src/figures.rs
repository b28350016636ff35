//! Counts what a cache does.

use std::{
    marker::PhantomData,
    sync::atomic::{AtomicU64, Ordering},
};

use tooloo_clock::Moment;
use tooloo_hub::{PerThread, add_to_own};

/// Every how many lookups by one thread one is timed; a power of two. Two readings of the clock take as long as a hit.
const TIMED: u64 = 1024;

/// After how many hits the first is: before, little is in the processor's caches.
const FIRST: u64 = 63;

/// A cache's counts since it was made.
#[derive(Debug)]
pub(crate) struct Figures {
    counts: PerThread<Counts>,
}

/// What one thread counts.
#[derive(Debug, Default)]
struct Counts {
    memory_hits: AtomicU64,
    lower_hits: AtomicU64,
    misses: AtomicU64,
    memory_misses: AtomicU64,
    stale: AtomicU64,
    coalesced: AtomicU64,
    writes: AtomicU64,
    evictions: AtomicU64,
    unstorable: AtomicU64,
    timed_reads: AtomicU64,
    read_nanos: AtomicU64,
    timed_writes: AtomicU64,
    write_nanos: AtomicU64,
}

/// What the calling thread counts: it alone writes it, and so it stays with it.
#[derive(Clone, Copy)]
pub(crate) struct Own<'a> {
    counts: &'a Counts,
    here: PhantomData<*const ()>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    MemoryHit,
    LowerHit,
    Miss,
    MemoryMiss,
    Stale,
    Coalesced,
    Write,
    Unstorable,
}

impl Figures {
    pub(crate) fn new() -> Self {
        Self {
            counts: PerThread::new(),
        }
    }

    /// Returns the counts of the calling thread; a thread has none before it first counted, or where there are
    /// too many threads.
    #[inline]
    pub(crate) fn own(&self) -> Option<Own<'_>> {
        self.counts.own().map(|counts| Own {
            counts,
            here: PhantomData,
        })
    }

    #[inline]
    pub(crate) fn hit_in_memory(&self) {
        self.counts.add(1, |counts| &counts.memory_hits);
    }

    pub(crate) fn count(&self, event: Event) {
        self.counts.add(1, |counts| counts.of(event));
    }

    pub(crate) fn evicted(&self, entries: u64) {
        if entries > 0 {
            self.counts.add(entries, |counts| &counts.evictions);
        }
    }

    /// Begins to time a lookup, of a few of them.
    #[inline]
    pub(crate) fn time_read(&self) -> Option<Moment> {
        let hits = self.counts.mine(|counts| &counts.memory_hits);
        is_timed(hits).then(Moment::exact)
    }

    /// Begins to time a write, of a few of them.
    #[inline]
    pub(crate) fn time_write(&self) -> Option<Moment> {
        let is_timed = self
            .counts
            .mine(|counts| &counts.writes)
            .is_multiple_of(TIMED);
        is_timed.then(Moment::exact)
    }

    /// Ends what [`time_read`](Self::time_read) began.
    #[cold]
    pub(crate) fn read_since(&self, start: Moment) {
        let nanos = elapsed(start);
        self.counts.add(1, |counts| &counts.timed_reads);
        self.counts.add(nanos, |counts| &counts.read_nanos);
    }

    /// Ends what [`time_write`](Self::time_write) began.
    #[cold]
    pub(crate) fn written_since(&self, start: Moment) {
        let nanos = elapsed(start);
        self.counts.add(1, |counts| &counts.timed_writes);
        self.counts.add(nanos, |counts| &counts.write_nanos);
    }

    pub(crate) fn sum(&self, event: Event) -> u64 {
        self.counts.sum(|counts| counts.of(event))
    }

    pub(crate) fn evictions(&self) -> u64 {
        self.counts.sum(|counts| &counts.evictions)
    }

    /// Returns the mean of the timed lookups, in milliseconds.
    pub(crate) fn mean_read(&self) -> Option<f64> {
        let reads = self.counts.sum(|counts| &counts.timed_reads);
        mean(self.counts.sum(|counts| &counts.read_nanos), reads)
    }

    /// Returns the mean of the timed writes, in milliseconds.
    pub(crate) fn mean_write(&self) -> Option<f64> {
        let writes = self.counts.sum(|counts| &counts.timed_writes);
        mean(self.counts.sum(|counts| &counts.write_nanos), writes)
    }
}

impl Own<'_> {
    /// Returns whether the next lookup is [timed](Figures::time_read).
    #[inline]
    pub(crate) fn is_time(self) -> bool {
        is_timed(self.counts.memory_hits.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn hit_in_memory(self) {
        add_to_own(&self.counts.memory_hits, 1);
    }
}

impl Counts {
    fn of(&self, event: Event) -> &AtomicU64 {
        match event {
            Event::MemoryHit => &self.memory_hits,
            Event::LowerHit => &self.lower_hits,
            Event::Miss => &self.misses,
            Event::MemoryMiss => &self.memory_misses,
            Event::Stale => &self.stale,
            Event::Coalesced => &self.coalesced,
            Event::Write => &self.writes,
            Event::Unstorable => &self.unstorable,
        }
    }
}

/// Returns whether a lookup is timed after so many hits.
#[inline]
fn is_timed(hits: u64) -> bool {
    hits % TIMED == FIRST
}

fn elapsed(start: Moment) -> u64 {
    let elapsed = Moment::exact().saturating_duration_since(start);
    u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a mean is shown, not counted with"
)]
fn mean(nanos: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| nanos as f64 / of as f64 / 1e6)
}

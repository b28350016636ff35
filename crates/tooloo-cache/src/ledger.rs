//! The purges that a cache knows of, for many threads.

use std::sync::{
    PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use crate::state::marks::Marks;

/// The marks behind a lock, and what every lookup reads of them without it.
#[derive(Debug)]
pub(crate) struct Ledger {
    generation: AtomicU64,
    sequence: AtomicU64,
    marks: RwLock<Marks>,
}

impl Ledger {
    pub(crate) fn new(marks: Marks) -> Self {
        Self {
            generation: AtomicU64::new(marks.generation()),
            sequence: AtomicU64::new(marks.sequence()),
            marks: RwLock::new(marks),
        }
    }

    /// Returns the generation of the last purge.
    #[inline]
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Returns the last generation and the last number among all caches, for a fill that begins.
    #[inline]
    pub(crate) fn position(&self) -> (u64, u64) {
        (self.generation(), self.sequence.load(Ordering::Acquire))
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Marks) -> T) -> T {
        read(&self.marks.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the marks, and only then makes the new generation known: who sees it finds the marks.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Marks) -> T) -> T {
        let mut marks = self.marks.write().unwrap_or_else(PoisonError::into_inner);
        let changed = change(&mut marks);
        self.sequence.store(marks.sequence(), Ordering::Release);
        self.generation.store(marks.generation(), Ordering::Release);
        changed
    }
}

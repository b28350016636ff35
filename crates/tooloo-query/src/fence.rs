//! Knows which reads may be answered by one that is already under way.
//!
//! A read that began before a write must not answer a reader that comes after it, and one that began while a write was
//! under way may or may not have seen it. So a read can be shared only while no write of this process has been under
//! way since it began.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts the writes that began and those that ended.
#[derive(Debug, Default)]
pub(crate) struct Fence {
    began: AtomicU64,
    ended: AtomicU64,
}

/// A write under way; dropped, it has ended.
#[derive(Debug)]
pub(crate) struct Writing(Arc<Fence>);

/// The writes that had begun at some moment, while none was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quiet(u64);

impl Fence {
    pub(crate) fn enter(self: &Arc<Self>) -> Writing {
        self.began.fetch_add(1, Ordering::SeqCst);
        Writing(Arc::clone(self))
    }

    /// Returns the present, unless a write is under way.
    pub(crate) fn quiet(&self) -> Option<Quiet> {
        // Read first: a write that ends meanwhile does not look as though it had never been under way.
        let ended = self.ended.load(Ordering::SeqCst);
        let began = self.began.load(Ordering::SeqCst);
        (began == ended).then_some(Quiet(began))
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_parts_what_was_before_it_from_what_comes_after() {
        let fence = Arc::new(Fence::default());
        let before = fence.quiet();
        assert!(before.is_some());
        assert_eq!(fence.quiet(), before);
        let (one, other) = (fence.enter(), fence.enter());
        assert_eq!(fence.quiet(), None);
        drop(one);
        assert_eq!(fence.quiet(), None, "the other is under way");
        drop(other);
        assert!(fence.quiet().is_some_and(|after| Some(after) != before));
    }
}

//! How many calls failed one after the other.

use crossbeam_utils::CachePadded;

use crate::sync::{AtomicU64, Ordering};

/// A run of failures: its generation in the upper half, their number in the lower.
#[derive(Debug)]
pub(crate) struct Run(CachePadded<AtomicU64>);

const FAILURES: u64 = u32::MAX as u64;

impl Run {
    pub(crate) fn new() -> Self {
        Self(CachePadded::new(AtomicU64::new(0)))
    }

    pub(crate) fn begin(&self, generation: u64) {
        self.0.swap(tag(generation), Ordering::AcqRel);
    }

    /// Adds a failure of `generation` and returns the length of the run; 0 in another generation.
    pub(crate) fn lengthen(&self, generation: u64) -> u32 {
        let next = |word| {
            let ours = word & !FAILURES == tag(generation) && word & FAILURES != FAILURES;
            ours.then_some(word + 1)
        };
        let before = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        before.map_or(0, |word| length(word) + 1)
    }

    /// Ends the run with a success of `generation`.
    pub(crate) fn end(&self, generation: u64) {
        let mut held = self.0.load(Ordering::Acquire);
        while held & FAILURES != 0 && held & !FAILURES == tag(generation) {
            let empty = tag(generation);
            match (self.0).compare_exchange_weak(held, empty, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return,
                Err(now) => held = now,
            }
        }
    }

    #[inline]
    pub(crate) fn length(&self) -> u32 {
        length(self.0.load(Ordering::Acquire))
    }
}

fn tag(generation: u64) -> u64 {
    generation << 32
}

#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the lower half")]
fn length(word: u64) -> u32 {
    word as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_ends_the_run() {
        let run = Run::new();
        assert_eq!((run.lengthen(0), run.lengthen(0)), (1, 2));
        run.end(0);
        assert_eq!((run.length(), run.lengthen(0)), (0, 1));
    }

    #[test]
    fn results_of_another_generation_leave_it_alone() {
        let run = Run::new();
        run.begin(1);
        assert_eq!(run.lengthen(1), 1);
        assert_eq!(run.lengthen(0), 0);
        run.end(0);
        assert_eq!(run.length(), 1);
        run.begin(2);
        assert_eq!(run.length(), 0);
    }
}

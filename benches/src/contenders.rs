//! Rate limiters and circuit breakers, ours and the peers', as jobs that can be timed and counted.

mod breakers;
mod checks;
mod stacks;

use std::fmt;

pub use self::{
    breakers::{Breaker, bare},
    checks::{Cell, Path, Store, one_bucket, ours, theirs},
    stacks::{Quotas, client, governed, governed_with_headers, limited, limited_telling},
};

/// Operations in one job whose instructions are counted.
pub const OPERATIONS: usize = 10_000;

/// Something to be done over and over: the same number of operations each time.
pub struct Job {
    operations: usize,
    run: Box<dyn FnMut()>,
}

impl Job {
    /// Makes a job whose `run` does this many operations.
    pub(crate) fn new(operations: usize, run: impl FnMut() + 'static) -> Self {
        Self {
            operations,
            run: Box::new(run),
        }
    }

    /// Returns how many operations one run does.
    pub fn operations(&self) -> usize {
        self.operations
    }

    /// Does them once.
    pub fn run(&mut self) {
        (self.run)();
    }

    /// Does them once, so that what happens the first time is over.
    #[must_use]
    pub fn warm(mut self) -> Self {
        self.run();
        self
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("operations", &self.operations)
            .finish_non_exhaustive()
    }
}

//! Makes [`Deduplicate`] services that share what is in flight.

use std::{num::NonZeroUsize, sync::Arc};

use tower_layer::Layer;

use super::{Deduplicate, state::InFlight};
use crate::Database;

/// How many different reads may be in flight and be joined, unless told otherwise.
const MOST: usize = 1_024;

/// Answers a read by an identical one that is in flight.
///
/// Merged are statements that by their text surely only read and whose answer depends on the data alone, with the
/// same values, for the same tenant. A read is never answered by one that began before, or during, a write through
/// the same [`Database`]; another process's write is seen by those that are asked after the read in flight has ended.
/// All services made by one layer, and their clones, share what is in flight.
///
/// It goes outside of a [`GatherLayer`](crate::GatherLayer).
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Clone, Debug)]
pub struct DeduplicateLayer {
    in_flight: Arc<InFlight>,
}

impl DeduplicateLayer {
    /// Creates a layer for services over `database`.
    pub fn new(database: &Database) -> Self {
        let monitor = Arc::clone(&database.inner.monitor);
        Self {
            in_flight: Arc::new(InFlight::new(MOST, monitor)),
        }
    }

    /// Lets this many different reads be joined at a time; those beyond go on their own. 1024 by default.
    pub fn with_max(self, reads: NonZeroUsize) -> Self {
        let monitor = Arc::clone(&self.in_flight.monitor);
        Self {
            in_flight: Arc::new(InFlight::new(reads.get(), monitor)),
        }
    }
}

impl<S> Layer<S> for DeduplicateLayer {
    type Service = Deduplicate<S>;

    fn layer(&self, inner: S) -> Deduplicate<S> {
        Deduplicate::new(inner, Arc::clone(&self.in_flight))
    }
}

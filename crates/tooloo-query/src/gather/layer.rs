//! Makes [`Gather`] services that gather together.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{Gather, Groups};
use crate::Database;

/// Gathers the queries of a [`KeyedRead`](crate::KeyedRead) into one statement for many keys.
///
/// Where nothing of the same read is under way, a query is sent as soon as its task makes room for others: all that
/// the task asks at once goes together. What is asked meanwhile waits for the answer, until there are as many as a
/// batch may have, or until the first has waited long enough. A batch that fails for a reason that may be one key's is
/// asked again key by key. Queries of one tenant are never gathered with another's, and those of a transaction not at
/// all. All services made by one layer, and their clones, gather together.
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Clone, Debug)]
pub struct GatherLayer {
    groups: Arc<Groups>,
}

/// How many keys are gathered, and how long they may wait.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
#[must_use = "settings do nothing until a layer is made with them"]
pub struct GatherConfig {
    pub(crate) size: usize,
    pub(crate) wait: Duration,
    pub(crate) waiting: usize,
    pub(crate) groups: usize,
}

impl Default for GatherConfig {
    fn default() -> Self {
        Self {
            size: 100,
            wait: Duration::from_millis(2),
            waiting: 10_000,
            groups: 1_024,
        }
    }
}

impl GatherConfig {
    /// Makes the default settings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends at most this many keys at once; 100 by default.
    pub fn with_size(mut self, keys: NonZeroUsize) -> Self {
        self.size = keys.get();
        self
    }

    /// Sends what has waited this long even where another batch is under way; 2 milliseconds by default.
    pub fn with_wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Has at most this many queries of one read wait; those beyond go on their own. 10 000 by default.
    pub fn with_max_waiting(mut self, queries: usize) -> Self {
        self.waiting = queries;
        self
    }

    /// Gathers for at most this many reads, each of one tenant, at a time; those beyond go on their own. 1024 by
    /// default.
    pub fn with_max_groups(mut self, groups: usize) -> Self {
        self.groups = groups;
        self
    }
}

impl GatherLayer {
    /// Creates a layer for services over `database`.
    pub fn new(database: &Database, config: GatherConfig) -> Self {
        let monitor = Arc::clone(&database.inner.monitor);
        Self {
            groups: Arc::new(Groups::new(config, monitor)),
        }
    }
}

impl<S> Layer<S> for GatherLayer {
    type Service = Gather<S>;

    fn layer(&self, inner: S) -> Gather<S> {
        Gather::new(inner, Arc::clone(&self.groups))
    }
}

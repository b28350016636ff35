//! Makes [`Batch`] services that put statements together.

use std::sync::Arc;

use tower_layer::Layer;

use super::{Batch, BatchConfig, Lines};
use crate::Database;

/// Commits statements that change rows together: one wait for the disk, or a few round trips, for many of them.
///
/// Put together are `INSERT`, `UPDATE` and `DELETE` on their own, of one tenant, that are not
/// [`alone`](crate::Query::alone). While none is under way, one is sent at once. Those that are asked meanwhile wait
/// until it is through, until there are as many as a batch may have, or until the first has waited long enough; then
/// they go in the order they came, each within a savepoint, in one transaction of the database's own isolation. Each
/// is answered once that is committed. One that fails is undone and answered by itself, and the others are not
/// touched; where the whole transaction fails for a reason that may be one statement's, or a statement is in another
/// one's way in PostgreSQL, those concerned go on their own. A caller that goes away before its statement was sent
/// takes it along.
///
/// Batches are sent to the database itself, past all services between: the layer goes around it first, within all
/// others. All services made by one layer, and their clones, share the batches.
#[must_use = "a layer does nothing until it wraps a service"]
#[derive(Clone, Debug)]
pub struct BatchLayer {
    lines: Arc<Lines>,
}

impl BatchLayer {
    /// Creates a layer for services over `database`.
    pub fn new(database: &Database, config: BatchConfig) -> Self {
        Self {
            lines: Arc::new(Lines::new(database.clone(), config)),
        }
    }
}

impl<S> Layer<S> for BatchLayer {
    type Service = Batch<S>;

    fn layer(&self, inner: S) -> Batch<S> {
        Batch::new(inner, Arc::clone(&self.lines))
    }
}

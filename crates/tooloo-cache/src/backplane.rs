//! How the caches of several processes tell each other what changed.

use std::sync::Weak;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

use crate::Mark;

/// Carries changes to the other caches, and theirs to this one.
pub trait Backplane: Send + Sync + 'static {
    /// Begins to pass on what others publish; called once, inside a runtime.
    fn start(&self, inbound: Weak<dyn Inbound>);

    /// Tells the others without waiting, in order with what is published: queues it, within bounds.
    ///
    /// It is called under a lock: it neither waits nor calls back. Where the queue is full, the others are to
    /// be told that they missed something.
    fn announce(&self, change: Change);

    /// Tells the others, and returns the change's number in the order that all agree on.
    ///
    /// `None` where that did not work within the deadline; the backplane then goes on trying, in order, and
    /// reports the number to [`Inbound::published`].
    fn publish(&self, change: Change) -> BoxFuture<'_, Option<u64>>;
}

/// What a backplane tells a cache.
pub trait Inbound: Send + Sync {
    /// Takes in a change that another cache made, which has this number.
    fn apply(&self, change: &Change, sequence: u64);

    /// Notes the number of a purge of this cache's own.
    fn published(&self, mark: &Mark, sequence: u64);

    /// Drops everything, because changes up to this number may have been missed.
    fn missed(&self, sequence: u64);

    /// Returns the number of the last change that was taken in.
    fn sequence(&self) -> u64;
}

/// What one cache tells the others.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Change {
    /// The entry of this key is another one now, or gone.
    Key(Bytes),
    /// A purge.
    Purge(Mark),
    /// Everything is gone.
    Clear,
}

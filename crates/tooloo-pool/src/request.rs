//! The connection of one request: leased when it is first asked for, and returned when the response ends.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    panic::Location,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync;
use tooloo_key::Key;

use crate::{Connection, Lease, Pool, PoolError, Refusal};

/// The connection of the request at hand, which [`PoolLayer`](crate::PoolLayer) puts among the request's extensions.
///
/// Nothing is leased until [`get`](Self::get) is called first; from then on the request keeps its connection until
/// its response has ended. Clones share it.
pub struct RequestConnection<C: Connection> {
    slot: Arc<Slot<C>>,
}

/// The request's connection, for as long as this lives: others of the same request wait for it.
pub struct RequestLease<'a, C: Connection> {
    slot: &'a Slot<C>,
    // None once it has gone back.
    lease: Option<Lease<C>>,
    // Dropped last: only then another has its turn.
    _turn: sync::MutexGuard<'a, ()>,
}

/// The duty to say when the request is over; dropped without, the request was cancelled.
#[derive(Debug)]
pub(crate) struct Ending<C: Connection> {
    slot: Option<Arc<Slot<C>>>,
}

struct Slot<C: Connection> {
    pool: Pool<C>,
    tenant: Option<Arc<Key>>,
    turn: sync::Mutex<()>,
    held: Mutex<Held<C>>,
}

struct Held<C: Connection> {
    // None before the first use, and while somebody uses it.
    lease: Option<Lease<C>>,
    over: Option<Outcome>,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Outcome {
    Answered,
    Failed,
}

impl<C: Connection> RequestConnection<C> {
    pub(crate) fn new(pool: Pool<C>, tenant: Option<Key>) -> Self {
        let held = Held {
            lease: None,
            over: None,
        };
        let slot = Slot {
            pool,
            tenant: tenant.map(Arc::new),
            turn: sync::Mutex::new(()),
            held: Mutex::new(held),
        };
        Self {
            slot: Arc::new(slot),
        }
    }

    /// Returns the duty to end the request.
    pub(crate) fn ending(&self) -> Ending<C> {
        Ending {
            slot: Some(Arc::clone(&self.slot)),
        }
    }

    /// Returns the request's connection, leasing it where this is the first call.
    ///
    /// # Errors
    ///
    /// Returns the pool's error, or [`Refusal::RequestOver`] where the response has ended.
    #[track_caller]
    pub fn get(
        &self,
    ) -> impl Future<Output = Result<RequestLease<'_, C>, PoolError>> + Send + use<'_, C> {
        self.acquire(Location::caller())
    }

    async fn acquire(
        &self,
        place: &'static Location<'static>,
    ) -> Result<RequestLease<'_, C>, PoolError> {
        let slot = &*self.slot;
        let turn = slot.turn.lock().await;
        let lease = match slot.take()? {
            Some(lease) => lease,
            None => slot.pool.acquire(place, slot.tenant.clone()).await?,
        };
        Ok(RequestLease {
            slot,
            lease: Some(lease),
            _turn: turn,
        })
    }
}

impl<C: Connection> Slot<C> {
    fn take(&self) -> Result<Option<Lease<C>>, PoolError> {
        let mut held = self.held();
        match held.over {
            Some(_) => Err(PoolError::new(Refusal::RequestOver)),
            None => Ok(held.lease.take()),
        }
    }

    /// Puts the connection back for the request's next use, or gives it back to the pool.
    fn put(&self, lease: Lease<C>) {
        let mut held = self.held();
        match held.over {
            None => held.lease = Some(lease),
            Some(outcome) => {
                drop(held);
                outcome.give_back(lease);
            }
        }
    }

    fn end(&self, outcome: Outcome) {
        let mut held = self.held();
        held.over = Some(outcome);
        let lease = held.lease.take();
        drop(held);
        if let Some(lease) = lease {
            outcome.give_back(lease);
        }
    }

    fn held(&self) -> MutexGuard<'_, Held<C>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outcome {
    fn give_back<C: Connection>(self, mut lease: Lease<C>) {
        if self == Self::Failed {
            lease.reset_on_return();
        }
    }
}

impl<C: Connection> Ending<C> {
    /// Ends the request.
    pub(crate) fn end(mut self, outcome: Outcome) {
        self.end_once(outcome);
    }

    fn end_once(&mut self, outcome: Outcome) {
        if let Some(slot) = self.slot.take() {
            slot.end(outcome);
        }
    }
}

impl<C: Connection> Drop for Ending<C> {
    fn drop(&mut self) {
        self.end_once(Outcome::Failed);
    }
}

impl<C: Connection> Drop for RequestLease<'_, C> {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            self.slot.put(lease);
        }
    }
}

const PRESENT: &str = "the lease is there until it is dropped";

impl<C: Connection> Deref for RequestLease<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.lease.as_ref().expect(PRESENT)
    }
}

impl<C: Connection> DerefMut for RequestLease<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        self.lease.as_mut().expect(PRESENT)
    }
}

impl<C: Connection> Clone for RequestConnection<C> {
    fn clone(&self) -> Self {
        Self {
            slot: Arc::clone(&self.slot),
        }
    }
}

impl<C: Connection> fmt::Debug for RequestConnection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.slot.fmt(f)
    }
}

impl<C: Connection> fmt::Debug for RequestLease<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.slot.fmt(f)
    }
}

impl<C: Connection> fmt::Debug for Slot<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.held();
        f.debug_struct("RequestConnection")
            .field("tenant", &self.tenant)
            .field("leased", &held.lease.is_some())
            .field("over", &held.over)
            .finish_non_exhaustive()
    }
}

//! The pool itself, for any connector.

use std::{error, fmt, num::NonZeroUsize, panic::Location, pin::pin, sync::Arc, time::Duration};

use tokio::time::timeout;
use tooloo_clock::Moment;
use tooloo_key::Key;
use tower_service::Service;

use crate::{
    Lease, PoolConfig, PoolError, PoolHandle, Refusal,
    connection::{BoxError, Connection},
    exchange::CarryOut,
    inner::Inner,
    state::{Effects, State},
};

/// Lends connections, and keeps them good.
///
/// Connections are made by tasks of the pool's own when somebody waits for one, so it is used inside a tokio runtime.
/// Whoever waited longest is served first, and newcomers do not overtake. Clones share all of it.
pub struct Pool<C: Connection> {
    pub(crate) inner: Arc<Inner<C>>,
}

/// The pool was closed, but leases are still out.
#[derive(Clone, Debug)]
pub struct Unfinished {
    places: Vec<&'static Location<'static>>,
}

impl<C: Connection> Pool<C> {
    /// Creates a pool over a connector: a service that makes a connection of nothing.
    ///
    /// Nothing is connected yet; see [`warm_up`](Self::warm_up).
    pub fn new<S>(connector: S, config: PoolConfig) -> Self
    where
        S: Service<(), Response = C> + Clone + Send + Sync + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        Self {
            inner: Arc::new(Inner::new(connector, config)),
        }
    }

    /// Borrows a connection, waiting for one where none is free.
    ///
    /// Dropped before it is done, the future gives its place and its connection to whoever is next.
    ///
    /// # Errors
    ///
    /// Returns an error where the deadline of [`Times::acquire`](crate::Times::acquire) passes, where too many wait
    /// already, or where the pool is closed.
    #[track_caller]
    pub fn get(&self) -> impl Future<Output = Result<Lease<C>, PoolError>> + Send + use<'_, C> {
        self.acquire(Location::caller(), None)
    }

    /// Borrows a connection for a tenant, which may have its share of the pool and no more.
    ///
    /// # Errors
    ///
    /// As [`get`](Self::get) does, and where too many of the tenant's callers wait already.
    #[track_caller]
    pub fn get_for(
        &self,
        tenant: Key,
    ) -> impl Future<Output = Result<Lease<C>, PoolError>> + Send + use<'_, C> {
        self.acquire(Location::caller(), Some(Arc::new(tenant)))
    }

    /// Makes the least number of connections, and waits until they are there.
    ///
    /// # Errors
    ///
    /// Returns an error where that takes longer than [`Times::acquire`](crate::Times::acquire); its source is the
    /// last failure to connect. The pool goes on trying.
    pub async fn warm_up(&self) -> Result<(), PoolError> {
        let limit = self.inner.times.acquire;
        let warm = async {
            loop {
                let mut news = pin!(self.inner.news.notified());
                news.as_mut().enable();
                let mut effects = Effects::new();
                let warm = self.inner.exchange.lock().warm_up(&mut effects);
                self.inner.carry_out(effects);
                if warm.map_err(PoolError::new)? {
                    return Ok(());
                }
                news.await;
            }
        };
        timeout(limit, warm).await.unwrap_or_else(|_| {
            let error = PoolError::new(Refusal::TimedOut).with_waited(limit);
            Err(error.with_cause(self.inner.last_failure()))
        })
    }

    /// Changes how many connections there are to be.
    ///
    /// The idle ones beyond are closed now, the others when they come back; those who wait are served from new ones.
    /// Where `min` is more than `max`, `max` counts.
    pub fn resize(&self, min: usize, max: NonZeroUsize) {
        self.change(|state, now, effects| state.resize(min, max, now, effects));
    }

    /// Condemns all connections that are there, such as after a failover: the idle ones are closed now, the others
    /// when they come back.
    pub fn invalidate(&self) {
        self.change(State::invalidate);
    }

    /// Lends no more, turns away all who wait, and waits until every connection is closed.
    ///
    /// Dropped before it is done, or done a second time, it leaves the pool closed.
    ///
    /// # Errors
    ///
    /// Returns an error that names the places of the leases which are still out where that takes longer than `within`.
    /// They are closed when they come back.
    pub async fn close(&self, within: Duration) -> Result<(), Unfinished> {
        self.change(State::close);
        self.inner.closed.send_replace(true);
        self.inner.news.notify_waiters();
        let drained = async {
            loop {
                let mut drained = pin!(self.inner.drained.notified());
                drained.as_mut().enable();
                if self.inner.exchange.lock().is_drained() {
                    return;
                }
                drained.await;
            }
        };
        timeout(within, drained).await.map_err(|_| Unfinished {
            places: self.inner.exchange.lock().places(tooloo_clock::coarse()),
        })
    }

    /// Returns whether the pool is closed.
    pub fn is_closed(&self) -> bool {
        self.inner.exchange.lock().is_closed()
    }

    /// Returns a read-only view, to keep when the pool moves into a stack.
    pub fn handle(&self) -> PoolHandle {
        PoolHandle::new(Arc::clone(&self.inner) as _)
    }

    fn change(&self, change: impl FnOnce(&mut State<C>, Moment, &mut Effects<C>)) {
        let now = tooloo_clock::coarse();
        let mut effects = Effects::new();
        change(&mut self.inner.exchange.lock(), now, &mut effects);
        self.inner.carry_out(effects);
    }
}

impl<C: Connection> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<C: Connection> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let standing = self.inner.exchange.lock().standing();
        f.debug_tuple("Pool").field(&standing).finish()
    }
}

impl Unfinished {
    /// Returns where the leases were taken that are still out.
    pub fn places(&self) -> &[&'static Location<'static>] {
        &self.places
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the pool is closed, but not all of its connections are")?;
        for (number, place) in self.places.iter().enumerate() {
            let lead = if number == 0 {
                "; leases were taken at "
            } else {
                ", "
            };
            write!(f, "{lead}{place}")?;
        }
        Ok(())
    }
}

impl error::Error for Unfinished {}

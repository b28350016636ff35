//! A connection on loan.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    sync::Arc,
    thread,
};

use crate::{
    connection::Connection,
    exchange::{self, CarryOut},
    figures::CloseReason,
    inner::Inner,
    mend::{self, InHand},
    state::{Effects, Failure, Pooled},
};

/// A connection on loan; dropped, it goes back to its pool.
///
/// One that comes back with something left behind, such as an open transaction, is reset before anybody else has it.
/// So is one that comes back while its thread panics.
#[must_use = "a lease that is dropped goes back to the pool"]
pub struct Lease<C: Connection> {
    pool: Arc<Inner<C>>,
    // None once it has gone back.
    pooled: Option<Box<Pooled<C>>>,
    ending: Ending,
}

/// What becomes of a connection whose lease ends.
///
/// As wide as the lease's other fields: a lease is moved often, and by words.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(usize)]
enum Ending {
    Ordinary,
    Reset,
    /// It has yet to show that it is good.
    Check,
    Discard,
}

impl<C: Connection> Lease<C> {
    #[inline]
    pub(crate) fn new(pool: &Arc<Inner<C>>, pooled: Box<Pooled<C>>) -> Self {
        Self {
            pool: Arc::clone(pool),
            pooled: Some(pooled),
            ending: Ending::Ordinary,
        }
    }

    /// Has the connection reset when it goes back, whatever it says of itself.
    pub fn reset_on_return(&mut self) {
        self.ending = Ending::Reset;
    }

    /// Closes the connection instead of giving it back, such as after an error that leaves it useless.
    pub fn discard(mut self) {
        self.ending = Ending::Discard;
    }

    /// Keeps the connection; the pool makes another in its place where one is wanted.
    #[expect(
        clippy::missing_panics_doc,
        reason = "a lease that was not dropped has its connection"
    )]
    pub fn detach(mut self) -> C {
        let pooled = self.pooled.take().expect(PRESENT);
        let now = tooloo_clock::coarse();
        let mut effects = Effects::new();
        let mut connection = None;
        self.pool
            .settle(|state| connection = Some(state.detach(*pooled, now, &mut effects)));
        self.pool.carry_out(effects);
        connection.expect("settling runs its change")
    }

    /// Returns whether the connection is good; one that is not is taken from the lease.
    pub(crate) async fn prove(&mut self) -> bool {
        self.ending = Ending::Check;
        let pooled = self.pooled.as_mut().expect(PRESENT);
        let good = if pooled.connection.is_dirty() {
            Err(None)
        } else {
            self.pool.check(&mut pooled.connection).await.map_err(Some)
        };
        self.ending = Ending::Ordinary;
        match good {
            Ok(()) => {
                let now = tooloo_clock::coarse();
                self.pool.exchange.lock().proved(pooled, now);
                return true;
            }
            Err(Some(failure)) => self.fail(failure),
            Err(None) => self.mend(mend::reset),
        }
        false
    }

    /// Returns whether the connection can be used as it is, for all that is known.
    #[inline]
    pub(crate) fn is_fit(&self) -> bool {
        !self.is_closed() && !self.is_dirty()
    }

    #[cold]
    fn fail(&mut self, failure: Failure) {
        if let Some(pooled) = self.pooled.take() {
            let now = tooloo_clock::coarse();
            let mut effects = Effects::new();
            self.pool
                .exchange
                .lock()
                .fail(*pooled, failure, now, &mut effects);
            self.pool.carry_out(effects);
        }
    }

    #[cold]
    fn discard_now(&mut self) {
        if let Some(pooled) = self.pooled.take() {
            let now = tooloo_clock::coarse();
            let mut effects = Effects::new();
            let mut state = self.pool.exchange.lock();
            state.bury(*pooled, CloseReason::Discarded, now, &mut effects);
            drop(state);
            self.pool.carry_out(effects);
        }
    }

    /// Leaves the connection to a task of the pool's.
    #[cold]
    fn mend<F>(&mut self, mend: impl FnOnce(InHand<C>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(mut pooled) = self.pooled.take() {
            let now = tooloo_clock::coarse();
            let mut effects = Effects::new();
            let dirty = pooled.connection.is_dirty();
            let mut state = self.pool.exchange.lock();
            state.set_mending(&mut pooled, dirty, now, &mut effects);
            drop(state);
            self.pool.carry_out(effects);
            self.pool.spawn(mend(InHand::new(&self.pool, pooled)));
        }
    }
}

const PRESENT: &str = "a lease has its connection until it ends";

impl<C: Connection> Drop for Lease<C> {
    #[inline]
    fn drop(&mut self) {
        let Some(pooled) = self.pooled.take() else {
            return;
        };
        let ordinary = self.ending == Ending::Ordinary
            && !pooled.connection.is_closed()
            && !pooled.connection.is_dirty()
            && !self.pool.always_reset
            && !thread::panicking();
        if ordinary {
            return exchange::give_back(&self.pool, pooled, tooloo_clock::coarse());
        }
        let closed = pooled.connection.is_closed();
        self.pooled = Some(pooled);
        match self.ending {
            Ending::Discard => self.discard_now(),
            _ if closed => self.fail(Failure::Broken),
            Ending::Check => self.mend(mend::check),
            Ending::Ordinary | Ending::Reset => self.mend(mend::reset),
        }
    }
}

impl<C: Connection> Deref for Lease<C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        &self.pooled.as_ref().expect(PRESENT).connection
    }
}

impl<C: Connection> DerefMut for Lease<C> {
    #[inline]
    fn deref_mut(&mut self) -> &mut C {
        &mut self.pooled.as_mut().expect(PRESENT).connection
    }
}

impl<C: Connection + fmt::Debug> fmt::Debug for Lease<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = self.pooled.as_ref().map(|pooled| &pooled.connection);
        f.debug_struct("Lease")
            .field("connection", &connection)
            .finish_non_exhaustive()
    }
}

//! Where connections change hands: the state behind its lock, and the waiting for one.

use std::{
    marker::PhantomData,
    sync::PoisonError,
    task::{Context, Poll},
};

use tooloo_clock::Moment;

use crate::{
    error::PoolError,
    state::{Claim, Effects, Given, Nesting, State},
    sync::{Mutex, MutexGuard},
};

/// The state of a pool, one change at a time.
#[derive(Debug)]
pub(crate) struct Exchange<C> {
    state: Mutex<State<C>>,
}

/// Whoever does what a change of state asks for.
pub(crate) trait CarryOut<C> {
    fn exchange(&self) -> &Exchange<C>;

    /// Does what is left to do, outside of the lock.
    fn carry_out(&self, effects: Effects<C>);
}

/// A place in the line.
///
/// Dropped, it is given up; a connection that was on its way goes to whoever is next.
#[derive(Debug)]
pub(crate) struct Place<'a, C, P: CarryOut<C>> {
    pool: &'a P,
    // None once there is an outcome.
    ticket: Option<usize>,
    of: PhantomData<fn() -> C>,
}

impl<C> Exchange<C> {
    pub(crate) fn new(state: State<C>) -> Self {
        Self {
            state: Mutex::new(state),
        }
    }

    /// Locks the state. Nothing in it calls a connection's or a waker's code while it is locked.
    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<'a, C, P: CarryOut<C>> Place<'a, C, P> {
    /// Gets in line, at its head where the caller's turn has come before.
    pub(crate) fn new(
        pool: &'a P,
        claim: Claim,
        at_head: bool,
    ) -> Result<(Self, Nesting), PoolError> {
        let now = tooloo_clock::coarse();
        let mut effects = Effects::new();
        let mut state = pool.exchange().lock();
        let enqueued = state.enqueue(claim, at_head, now, &mut effects);
        drop(state);
        let enqueued = enqueued.map(|(ticket, nesting)| {
            let place = Self {
                pool,
                ticket: Some(ticket),
                of: PhantomData,
            };
            (place, nesting)
        });
        pool.carry_out(effects);
        enqueued
    }

    /// Waits for a connection, or for a refusal.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Given<C>, PoolError>> {
        let ticket = self
            .ticket
            .expect("a place is polled until there is an outcome");
        // A waker's code is its own: it is neither cloned nor dropped under the lock.
        let waker = cx.waker().clone();
        let now = tooloo_clock::coarse();
        let polled = self.pool.exchange().lock().poll(ticket, waker, now);
        match polled {
            Ok(outcome) => {
                self.ticket = None;
                Poll::Ready(outcome.map_err(PoolError::new))
            }
            Err(former) => {
                drop(former);
                Poll::Pending
            }
        }
    }

    #[cold]
    fn leave(&self, ticket: usize, now: Moment) {
        let mut effects = Effects::new();
        let waker = self.pool.exchange().lock().leave(ticket, now, &mut effects);
        drop(waker);
        self.pool.carry_out(effects);
    }
}

impl<C, P: CarryOut<C>> Drop for Place<'_, C, P> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.leave(ticket, tooloo_clock::coarse());
        }
    }
}

//! Where connections change hands: the state behind its lock, and the waiting for one.

use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::PoisonError,
    task::{Context, Poll},
};

use tooloo_clock::Moment;

use crate::{
    error::PoolError,
    handoff::Handoff,
    state::{Back, Effects, Entry, Given, Nesting, Pooled, State},
    sync::{AtomicBool, Mutex, MutexGuard, Ordering},
};

/// The state of a pool, one change at a time.
#[derive(Debug)]
pub(crate) struct Exchange<C> {
    state: Mutex<State<C>>,
    // Whether there were idle connections when the lock was last released.
    idle: AtomicBool,
}

/// The state while it is locked.
#[derive(Debug)]
pub(crate) struct Locked<'a, C> {
    state: MutexGuard<'a, State<C>>,
    idle: &'a AtomicBool,
}

/// Whoever does what a change of state asks for.
pub(crate) trait CarryOut<C> {
    fn exchange(&self) -> &Exchange<C>;

    /// Does what is left to do, outside of the lock.
    fn carry_out(&self, effects: Effects<C>);
}

/// A place in the line, taken at the first poll.
///
/// Dropped, it is given up; a connection that was on its way goes to whoever is next.
#[derive(Debug)]
pub(crate) struct Place<'a, C, P: CarryOut<C>> {
    pool: &'a P,
    stage: Stage<C>,
    /// Where the caller's own task took a connection that it holds while it waits.
    pub(crate) nesting: Nesting,
}

#[derive(Debug)]
enum Stage<C> {
    Outside,
    InLine { ticket: usize, handoff: Handoff<C> },
    Served,
}

/// Takes back a connection that a borrower used.
#[inline]
pub(crate) fn give_back<C>(pool: &impl CarryOut<C>, pooled: Box<Pooled<C>>, now: Moment) {
    let back = pool.exchange().lock().put_at_once(pooled, now);
    match back {
        Ok(None) => {}
        Ok(Some(waker)) => waker.wake(),
        Err(pooled) => give_back_slowly(pool, pooled, now),
    }
}

#[cold]
fn give_back_slowly<C>(pool: &impl CarryOut<C>, pooled: Box<Pooled<C>>, now: Moment) {
    let mut effects = Effects::new();
    let mut state = pool.exchange().lock();
    state.put(pooled, Back::Used, now, &mut effects);
    drop(state);
    pool.carry_out(effects);
}

impl<C> Exchange<C> {
    pub(crate) fn new(state: State<C>) -> Self {
        Self {
            idle: AtomicBool::new(state.has_idle()),
            state: Mutex::new(state),
        }
    }

    /// Locks the state. Nothing in it calls a connection's or a waker's code while it is locked.
    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_, C> {
        Locked {
            state: self.state.lock().unwrap_or_else(PoisonError::into_inner),
            idle: &self.idle,
        }
    }

    /// Returns whether there may be an idle connection: only a hint, which spares a crowded pool a lock for each that
    /// comes. Whoever gets in line is served from the idle ones where it was wrong.
    #[inline]
    pub(crate) fn may_have_idle(&self) -> bool {
        self.idle.load(Ordering::Relaxed)
    }
}

impl<'a, C, P: CarryOut<C>> Place<'a, C, P> {
    pub(crate) fn new(pool: &'a P) -> Self {
        Self {
            pool,
            stage: Stage::Outside,
            nesting: None,
        }
    }

    /// Waits for a connection, or for a refusal; only the first poll makes use of `entry` and `now`.
    #[inline]
    pub(crate) fn poll(
        &mut self,
        entry: &Entry,
        now: Moment,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Given<C>, PoolError>> {
        match mem::replace(&mut self.stage, Stage::Served) {
            Stage::Outside => self.enter(entry, now, cx),
            Stage::InLine { ticket, handoff } => match handoff.poll(cx.waker()) {
                Ok(outcome) => Poll::Ready(outcome.map_err(PoolError::new)),
                Err(handoff) => {
                    self.stage = Stage::InLine { ticket, handoff };
                    Poll::Pending
                }
            },
            Stage::Served => panic!("a place is polled until there is an outcome"),
        }
    }

    fn enter(
        &mut self,
        entry: &Entry,
        now: Moment,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Given<C>, PoolError>> {
        let handoff = Handoff::new(cx.waker().clone());
        let mut effects = Effects::new();
        let mut state = self.pool.exchange().lock();
        let entered = state.enqueue(entry, &handoff, now, &mut effects);
        drop(state);
        if let Ok((ticket, nesting)) = entered {
            // Before anything else runs that could fail.
            self.stage = Stage::InLine { ticket, handoff };
            self.nesting = nesting;
        }
        if !effects.is_none() {
            self.pool.carry_out(effects);
        }
        match entered {
            // Whoever is served already is woken already.
            Ok(_) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    #[cold]
    fn leave(&self, ticket: usize, handoff: &Handoff<C>, now: Moment) {
        let mut effects = Effects::new();
        let mut state = self.pool.exchange().lock();
        state.leave(ticket, handoff.take(), now, &mut effects);
        drop(state);
        self.pool.carry_out(effects);
    }
}

impl<C, P: CarryOut<C>> Drop for Place<'_, C, P> {
    fn drop(&mut self) {
        if let Stage::InLine { ticket, handoff } = &self.stage {
            self.leave(*ticket, handoff, tooloo_clock::coarse());
        }
    }
}

impl<C> Deref for Locked<'_, C> {
    type Target = State<C>;

    #[inline]
    fn deref(&self) -> &State<C> {
        &self.state
    }
}

impl<C> DerefMut for Locked<'_, C> {
    #[inline]
    fn deref_mut(&mut self) -> &mut State<C> {
        &mut self.state
    }
}

impl<C> Drop for Locked<'_, C> {
    #[inline]
    fn drop(&mut self) {
        // Most changes leave it as it was: then the others' view of it stays good.
        let idle = self.state.has_idle();
        if self.idle.load(Ordering::Relaxed) != idle {
            self.idle.store(idle, Ordering::Relaxed);
        }
    }
}

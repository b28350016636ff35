//! What is left to do once the lock is released.

use std::task::Waker;

use super::Pooled;
use crate::figures::CloseReason;

/// Wakes, closings and connecting that a change of state asks for; none of it may happen under the lock.
#[must_use = "what a change asks for has to be done"]
#[derive(Debug)]
pub(crate) struct Effects<C> {
    // Mostly there is one, which then needs no vector.
    first: Option<Waker>,
    others: Vec<Waker>,
    pub(crate) dead: Vec<Dead<C>>,
    /// How many connections to begin to make.
    pub(crate) connect: usize,
    /// Whether the pool's upkeep has to be started.
    pub(crate) upkeep: bool,
    /// Whether somebody has to watch the deadlines of those who wait.
    pub(crate) watch: bool,
}

/// A connection that is no longer the pool's, to be closed.
#[derive(Debug)]
pub(crate) struct Dead<C> {
    pub(crate) connection: C,
    pub(crate) reason: CloseReason,
}

impl<C> Effects<C> {
    #[inline]
    pub(crate) const fn new() -> Self {
        Self {
            first: None,
            others: Vec::new(),
            dead: Vec::new(),
            connect: 0,
            upkeep: false,
            watch: false,
        }
    }

    /// Returns whether there is nothing to do.
    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        self.first.is_none() && self.is_light()
    }

    /// Returns whether there is nothing to do but to wake somebody.
    #[inline]
    pub(crate) fn is_light(&self) -> bool {
        self.dead.is_empty() && self.connect == 0 && !self.upkeep && !self.watch
    }

    pub(crate) fn wake(&mut self, waker: Waker) {
        match &self.first {
            None => self.first = Some(waker),
            Some(_) => self.others.push(waker),
        }
    }

    pub(crate) fn bury(&mut self, pooled: Pooled<C>, reason: CloseReason) {
        self.dead.push(Dead {
            connection: pooled.connection,
            reason,
        });
    }

    /// Wakes whom there is to wake.
    #[inline]
    pub(crate) fn wake_all(&mut self) {
        if let Some(waker) = self.first.take() {
            waker.wake();
            self.others.drain(..).for_each(Waker::wake);
        }
    }
}

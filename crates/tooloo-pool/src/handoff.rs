//! Where one who waits finds what has come of it, without the pool's lock.

use std::{sync::PoisonError, task::Waker};

use crate::{
    error::Refusal,
    state::Given,
    sync::{Arc, Mutex, MutexGuard},
};

/// What comes of waiting.
pub(crate) type Outcome<C> = Result<Given<C>, Refusal>;

/// What passes between the line and one who waits in it: a waker one way, the outcome the other. Each has a clone.
///
/// The line delivers under the pool's lock, and only to those who are in it: whoever leaves, under that lock too, has
/// been served or never will be.
#[derive(Debug)]
pub(crate) struct Handoff<C> {
    stage: Arc<Mutex<Stage<C>>>,
}

#[derive(Debug)]
struct Stage<C> {
    waker: Option<Waker>,
    outcome: Option<Outcome<C>>,
}

impl<C> Handoff<C> {
    pub(crate) fn new(waker: Waker) -> Self {
        Self {
            stage: Arc::new(Mutex::new(Stage {
                waker: Some(waker),
                outcome: None,
            })),
        }
    }

    /// Delivers the outcome; returns who is to be woken, once this has been dropped.
    #[inline]
    pub(crate) fn deliver(&self, outcome: Outcome<C>) -> Option<Waker> {
        let mut stage = self.lock();
        stage.outcome = Some(outcome);
        stage.waker.take()
    }

    /// Returns the outcome, or else has `waker` woken when it is there.
    #[inline]
    pub(crate) fn poll(self, waker: &Waker) -> Result<Outcome<C>, Self> {
        // The line has dropped its own once it wakes anybody: then there is nothing to lock.
        match Arc::try_unwrap(self.stage) {
            Ok(stage) => {
                let stage = stage.into_inner().unwrap_or_else(PoisonError::into_inner);
                Ok(stage.outcome.expect("whoever left the line has an outcome"))
            }
            Err(stage) => Self { stage }.look(waker),
        }
    }

    /// Takes the outcome, where it is there.
    pub(crate) fn take(&self) -> Option<Outcome<C>> {
        self.lock().outcome.take()
    }

    #[cold]
    fn look(self, waker: &Waker) -> Result<Outcome<C>, Self> {
        // A waker's code is its own: it is neither cloned nor dropped under a lock.
        let waker = waker.clone();
        let mut stage = self.lock();
        if let Some(outcome) = stage.outcome.take() {
            return Ok(outcome);
        }
        let former = stage.waker.replace(waker);
        drop(stage);
        drop(former);
        Err(self)
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, Stage<C>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> Clone for Handoff<C> {
    fn clone(&self) -> Self {
        Self {
            stage: Arc::clone(&self.stage),
        }
    }
}

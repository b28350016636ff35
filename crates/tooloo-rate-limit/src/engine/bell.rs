//! Goes off when the next of those who wait can be served, and serves them.
//!
//! It does not wake the next for that: a task that is awake, but not polled, would hold up all those
//! behind it.

use std::{
    fmt,
    pin::{Pin, pin},
    sync::{
        Arc, Weak,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Wake, Waker},
    time::Duration,
};

use tokio::{runtime::Handle, task::unconstrained, time::Sleep};
use tooloo_clock::Moment;

use super::Engine;

/// It is being set: the room's lock is held, perhaps by the very thread on which it goes off.
const SETTING: u8 = 0;
const SET: u8 = 1;
const RUNG: u8 = 2;

/// A timer that serves those who wait when it goes off.
pub(super) struct Bell {
    at: Moment,
    sleep: Pin<Box<Sleep>>,
}

#[derive(Debug)]
struct Ringer {
    engine: Weak<Engine>,
    state: AtomicU8,
}

impl Bell {
    /// Sets a bell; `None` where it goes off at once, or where there is no runtime to wait in.
    pub(super) fn set(engine: Weak<Engine>, at: Moment, now: Moment) -> Option<Self> {
        Handle::try_current().ok()?;
        let wait = at.saturating_duration_since(now);
        let mut sleep = Box::pin(tokio::time::sleep(wait.max(Duration::from_nanos(1))));
        // In a runtime that shuts down it elapses when it is registered, and panics when it is polled.
        let deadline = sleep.deadline();
        sleep.as_mut().reset(deadline);
        if sleep.is_elapsed() {
            return None;
        }
        let ringer = Arc::new(Ringer {
            engine,
            state: AtomicU8::new(SETTING),
        });
        let waker = Waker::from(Arc::clone(&ringer));
        // It serves others than the task whose budget this is.
        let polled = pin!(unconstrained(sleep.as_mut())).poll(&mut Context::from_waker(&waker));
        let set = ringer
            .state
            .compare_exchange(SETTING, SET, Ordering::AcqRel, Ordering::Relaxed);
        (polled.is_pending() && set.is_ok()).then_some(Self { at, sleep })
    }

    /// Whether it will go off at this moment.
    pub(super) fn is_set(&self, at: Moment) -> bool {
        self.at == at && !self.sleep.is_elapsed()
    }
}

impl Wake for Ringer {
    fn wake(self: Arc<Self>) {
        if self.state.swap(RUNG, Ordering::AcqRel) == SET
            && let Some(engine) = self.engine.upgrade()
        {
            engine.ring();
        }
    }
}

impl fmt::Debug for Bell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bell")
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

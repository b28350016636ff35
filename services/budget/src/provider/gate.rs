//! Lets a bounded number of calls through at once; a bounded number of others wait.

use std::{
    fmt,
    num::NonZeroU32,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};
use tooloo_clock::Instant;

/// Slots for calls, handed out in order of arrival.
///
/// Clones share the slots. The number of slots can be changed while calls run: it grows at once,
/// and shrinks as slots come back.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    inner: Arc<Inner>,
}

/// Permission to run one call; dropping it gives the slot back.
#[derive(Debug)]
pub(crate) struct Slot {
    gate: Gate,
    permit: Option<OwnedSemaphorePermit>,
}

/// Why no slot was given.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Busy {
    /// As many callers wait as may wait.
    QueueFull,
    /// The deadline came first.
    TimedOut,
}

#[derive(Debug)]
struct Inner {
    slots: Arc<Semaphore>,
    size: Mutex<Size>,
    waiting: AtomicUsize,
    max_waiting: usize,
}

#[derive(Debug)]
struct Size {
    limit: u32,
    // Slots that are in use and must not come back, because the limit shrank below them.
    owed: u32,
}

impl Gate {
    pub(crate) fn new(limit: NonZeroU32, max_waiting: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                slots: Arc::new(Semaphore::new(limit.get() as usize)),
                size: Mutex::new(Size {
                    limit: limit.get(),
                    owed: 0,
                }),
                waiting: AtomicUsize::new(0),
                max_waiting,
            }),
        }
    }

    /// Waits for a slot, at most until `deadline`.
    pub(crate) async fn enter(&self, deadline: Instant) -> Result<Slot, Busy> {
        if let Some(slot) = self.try_enter() {
            return Ok(slot);
        }
        let _waiting = Waiting::join(&self.inner).ok_or(Busy::QueueFull)?;
        loop {
            let slots = Arc::clone(&self.inner.slots);
            let permit = time::timeout_at(deadline, slots.acquire_owned())
                .await
                .map_err(|_| Busy::TimedOut)?
                .expect("the semaphore is never closed");
            if let Some(slot) = self.admit(permit) {
                return Ok(slot);
            }
        }
    }

    /// Takes a slot if one is free.
    pub(crate) fn try_enter(&self) -> Option<Slot> {
        let permit = Arc::clone(&self.inner.slots).try_acquire_owned().ok()?;
        self.admit(permit)
    }

    /// Changes the number of slots.
    pub(crate) fn resize(&self, limit: NonZeroU32) {
        let mut size = self.size();
        let (before, after) = (size.limit, limit.get());
        size.limit = after;
        if after >= before {
            let grown = after - before;
            let forgiven = grown.min(size.owed);
            size.owed -= forgiven;
            self.inner.slots.add_permits((grown - forgiven) as usize);
        } else {
            let shrunk = before - after;
            let idle = self.inner.slots.forget_permits(shrunk as usize);
            size.owed += shrunk - u32::try_from(idle).unwrap_or(shrunk);
        }
    }

    /// Returns the number of slots.
    pub(crate) fn limit(&self) -> u32 {
        self.size().limit
    }

    /// Returns how many calls run now.
    pub(crate) fn in_use(&self) -> u32 {
        let size = self.size();
        let free = u32::try_from(self.inner.slots.available_permits()).unwrap_or(u32::MAX);
        (size.limit + size.owed).saturating_sub(free)
    }

    /// Returns how many callers wait for a slot.
    pub(crate) fn waiting(&self) -> usize {
        self.inner.waiting.load(Ordering::Relaxed)
    }

    /// Turns a permit into a slot, unless the limit has shrunk below it.
    fn admit(&self, permit: OwnedSemaphorePermit) -> Option<Slot> {
        let mut size = self.size();
        if size.owed > 0 {
            size.owed -= 1;
            permit.forget();
            return None;
        }
        drop(size);
        Some(Slot {
            gate: self.clone(),
            permit: Some(permit),
        })
    }

    fn size(&self) -> std::sync::MutexGuard<'_, Size> {
        self.inner
            .size
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut size = self.gate.size();
        if size.owed > 0 {
            size.owed -= 1;
            if let Some(permit) = self.permit.take() {
                permit.forget();
            }
        }
        // Given back under the lock, so that `resize` sees the slot either in use or free.
        drop(self.permit.take());
    }
}

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::QueueFull => "as many calls wait as may wait",
            Self::TimedOut => "no call ended in time to make room",
        })
    }
}

/// One caller in the queue.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(inner: &'a Inner) -> Option<Self> {
        let room = |waiting| (waiting < inner.max_waiting).then_some(waiting + 1);
        let order = Ordering::Relaxed;
        inner.waiting.fetch_update(order, order, room).ok()?;
        Some(Self(&inner.waiting))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use tokio_test::{assert_pending, assert_ready, task};

    use super::*;

    fn gate(limit: u32, max_waiting: usize) -> Gate {
        Gate::new(NonZeroU32::new(limit).unwrap(), max_waiting)
    }

    fn soon() -> Instant {
        tooloo_clock::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_gets_the_slot_that_comes_back() {
        let gate = gate(1, 1);
        let first = gate.try_enter().unwrap();
        let mut second = task::spawn(gate.enter(soon()));
        assert_pending!(second.poll());
        assert_eq!((gate.in_use(), gate.waiting()), (1, 1));
        drop(first);
        let slot = assert_ready!(second.poll()).unwrap();
        assert_eq!((gate.in_use(), gate.waiting()), (1, 0));
        drop(slot);
        assert_eq!(gate.in_use(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn refuses_to_queue_more_than_may_wait() {
        let gate = gate(1, 1);
        let _held = gate.try_enter().unwrap();
        let mut waiting = task::spawn(gate.enter(soon()));
        assert_pending!(waiting.poll());
        assert_eq!(gate.enter(soon()).await.unwrap_err(), Busy::QueueFull);
        // A waiter that leaves makes room for another, which is let down at its deadline.
        drop(waiting);
        assert_eq!(gate.enter(soon()).await.unwrap_err(), Busy::TimedOut);
        assert_eq!(gate.waiting(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn shrinks_as_slots_come_back() {
        let gate = gate(3, 1);
        let held: Vec<_> = (0..3).map(|_| gate.try_enter().unwrap()).collect();
        gate.resize(NonZeroU32::MIN);
        assert_eq!((gate.limit(), gate.in_use()), (1, 3));
        let mut held = held.into_iter();
        drop(held.next());
        drop(held.next());
        assert!(gate.try_enter().is_none(), "one call still runs");
        drop(held.next());
        assert!(gate.try_enter().is_some());
    }

    proptest! {
        #[test]
        fn never_lets_more_through_than_its_limit(
            steps in prop::collection::vec((0..3u8, 1..6u32), 1..60),
        ) {
            let gate = gate(3, 0);
            let (mut limit, mut held) = (3_usize, Vec::new());
            for (step, number) in steps {
                match step {
                    0 => {
                        let slot = gate.try_enter();
                        prop_assert_eq!(slot.is_some(), held.len() < limit);
                        held.extend(slot);
                    }
                    1 => drop(held.pop()),
                    _ => {
                        gate.resize(NonZeroU32::new(number).unwrap());
                        limit = number as usize;
                    }
                }
                prop_assert_eq!(gate.in_use() as usize, held.len());
                prop_assert_eq!(gate.limit() as usize, limit);
            }
        }
    }
}

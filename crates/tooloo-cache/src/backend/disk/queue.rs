//! What waits to be written, in order.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::oneshot;

use super::{lock::lock, slot::Written};
use crate::{Mark, tier::Dead};

/// Something for the writer to do.
pub(crate) enum Job {
    /// The key's entry, if it has this number still; so much of the queue's room is set aside for it.
    Write {
        key: Arc<[u8]>,
        number: u64,
        bytes: u64,
    },
    Remove {
        key: Arc<[u8]>,
        number: u64,
        was: Option<Written>,
    },
    Purge {
        mark: Mark,
        number: u64,
        done: oneshot::Sender<()>,
    },
    Flush(oneshot::Sender<()>),
    Clear(oneshot::Sender<()>),
    Sweep(Arc<Dead>, oneshot::Sender<()>),
    Compact(oneshot::Sender<()>),
}

/// Jobs on their way to the writer.
///
/// Entries are bounded by number and bytes. Removals are bounded by the entries there were to remove;
/// the rest is bounded by those who wait for it.
pub(crate) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    max_entries: usize,
    max_bytes: u64,
}

struct State {
    jobs: VecDeque<Job>,
    entries: usize,
    bytes: u64,
    /// Jobs that somebody waits for.
    awaited: usize,
    next_number: u64,
    waits: Waits,
    is_closed: bool,
}

/// What the writer is to be woken for: once, since each call wakes nobody the sooner and costs as much as a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Waits {
    Not,
    ForAny,
    ForMany,
}

/// Waiting for more than these would not make commits cheaper.
const MANY: usize = 256;

impl Queue {
    pub(crate) fn new(max_entries: usize, max_bytes: u64) -> Self {
        Self {
            state: Mutex::new(State {
                jobs: VecDeque::new(),
                entries: 0,
                bytes: 0,
                awaited: 0,
                next_number: 0,
                waits: Waits::Not,
                is_closed: false,
            }),
            changed: Condvar::new(),
            max_entries,
            max_bytes,
        }
    }

    /// Begins to count above the numbers that are in use already.
    pub(crate) fn start_after(&self, number: u64) {
        lock(&self.state).next_number = number + 1;
    }

    pub(crate) fn next_number(&self) -> u64 {
        lock(&self.state).number()
    }

    /// Queues the key's entry, and returns the number that it is to have; `None` where there is no room.
    pub(crate) fn write(&self, key: Arc<[u8]>, bytes: u64) -> Option<u64> {
        let mut state = lock(&self.state);
        let sum = state.bytes.saturating_add(bytes);
        if state.is_closed || state.entries >= self.max_entries || sum > self.max_bytes {
            return None;
        }
        (state.entries, state.bytes) = (state.entries + 1, sum);
        let number = state.number();
        state.jobs.push_back(Job::Write { key, number, bytes });
        self.wake(state);
        Some(number)
    }

    pub(crate) fn remove(&self, key: Arc<[u8]>, was: Option<Written>) {
        let mut state = lock(&self.state);
        let number = state.number();
        state.jobs.push_back(Job::Remove { key, number, was });
        self.wake(state);
    }

    /// Queues a job that somebody waits for; a closed queue drops it.
    pub(crate) fn ask(
        &self,
        make: impl FnOnce(u64, oneshot::Sender<()>) -> Job,
    ) -> oneshot::Receiver<()> {
        let (done, wait) = oneshot::channel();
        let mut state = lock(&self.state);
        if !state.is_closed {
            let job = make(state.number(), done);
            state.jobs.push_back(job);
            state.awaited += 1;
            self.changed.notify_one();
        }
        wait
    }

    /// Takes no more jobs.
    pub(crate) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.changed.notify_one();
    }

    /// Waits for jobs, and a little longer for more of them; `None` once it is closed and empty.
    pub(crate) fn take(
        &self,
        max_jobs: usize,
        max_bytes: u64,
        delay: Duration,
    ) -> Option<Vec<Job>> {
        let mut state = lock(&self.state);
        state.waits = Waits::ForAny;
        let nothing = |state: &mut State| state.jobs.is_empty() && !state.is_closed;
        let waited = self.changed.wait_while(state, nothing);
        state = waited.unwrap_or_else(PoisonError::into_inner);
        state.waits = Waits::ForMany;
        let patient =
            |state: &mut State| state.awaited == 0 && !state.is_large() && !state.is_closed;
        let waited = self.changed.wait_timeout_while(state, delay, patient);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.waits = Waits::Not;
        let mut taken = Vec::new();
        let mut bytes = 0;
        while taken.len() < max_jobs && bytes < max_bytes {
            let Some(job) = state.jobs.pop_front() else {
                break;
            };
            match &job {
                Job::Write { bytes: of, .. } => {
                    bytes += of;
                    state.entries -= 1;
                    state.bytes -= of;
                }
                Job::Remove { .. } => {}
                _ => state.awaited -= 1,
            }
            taken.push(job);
        }
        (!taken.is_empty()).then_some(taken)
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.state).jobs.len()
    }

    /// Wakes the writer where this is what it waits for: the first job, or enough of them.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let due = match state.waits {
            Waits::Not => false,
            Waits::ForAny => true,
            Waits::ForMany => state.is_large(),
        };
        if due {
            state.waits = Waits::Not;
            drop(state);
            self.changed.notify_one();
        }
    }
}

impl State {
    fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    fn is_large(&self) -> bool {
        self.entries >= MANY
    }
}

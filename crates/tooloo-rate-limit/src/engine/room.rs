//! Those who wait, and the one timer that wakes them.

use std::{
    collections::HashMap,
    fmt,
    pin::{Pin, pin},
    task::{Context, Waker},
    time::Duration,
};

use tokio::{runtime::Handle, task::unconstrained, time::Sleep};
use tooloo_clock::Moment;

use crate::state::{Order, Place, Ticket};

/// Who waits, in which order, and how each of them is woken.
pub(super) struct Room {
    pub(super) order: Order,
    pub(super) waiters: HashMap<Ticket, Waiter>,
    pub(super) max_in_all: usize,
    pub(super) max_per_key: usize,
    tickets: Ticket,
    timer: Option<Timer>,
}

/// One who waits.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) place: Place,
    pub(super) cost: u64,
    pub(super) waker: Waker,
    pub(super) fate: Fate,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    Waiting,
    Admitted,
    Refused,
}

/// Wakes the one who is next when there will be enough.
///
/// It is set on behalf of the next by whoever was served before, so nobody wakes only to set it.
struct Timer {
    at: Moment,
    ticket: Ticket,
    sleep: Pin<Box<Sleep>>,
}

impl Room {
    pub(super) fn new(max_in_all: usize, max_per_key: usize) -> Self {
        Self {
            order: Order::default(),
            waiters: HashMap::new(),
            max_in_all,
            max_per_key,
            tickets: 0,
            timer: None,
        }
    }

    /// Lets one more wait.
    pub(super) fn enter(&mut self, place: &Place, cost: u64, waker: Waker) -> Ticket {
        self.tickets += 1;
        let waiter = Waiter {
            place: place.clone(),
            cost,
            waker,
            fate: Fate::Waiting,
        };
        self.waiters.insert(self.tickets, waiter);
        self.order.enqueue(place, self.tickets, cost);
        self.tickets
    }

    /// Whether those who wait come before anyone else at `place`.
    pub(super) fn is_held(&self, place: &Place) -> bool {
        self.order.takes_turns() || self.order.waiting_at(place).0 > 0
    }

    /// Sets the timer for the next; returns whom to wake at once, where it cannot be set from here.
    pub(super) fn arm(&mut self, next: Option<(Moment, Ticket)>, now: Moment) -> Option<Waker> {
        let Some((at, ticket)) = next else {
            self.timer = None;
            return None;
        };
        let set = |timer: &Timer| timer.at == at && timer.ticket == ticket;
        if self.timer.as_ref().is_some_and(set) {
            return None;
        }
        self.timer = None;
        let waker = self.waiters[&ticket].waker.clone();
        if Handle::try_current().is_err() {
            // Dropped or refilled outside of the runtime: the next sets the timer itself.
            return Some(waker);
        }
        let wait = at
            .saturating_duration_since(now)
            .max(Duration::from_nanos(1));
        let mut timer = Timer {
            at,
            ticket,
            sleep: Box::pin(tokio::time::sleep(wait)),
        };
        if timer.is_due(&waker) {
            return Some(waker);
        }
        self.timer = Some(timer);
        None
    }

    /// Remembers how to wake a waiter, whose task may have changed.
    pub(super) fn rewake(&mut self, ticket: Ticket, waker: &Waker) {
        let Some(waiter) = self.waiters.get_mut(&ticket) else {
            return;
        };
        let mut timer = self.timer.take();
        if waiter.waker.will_wake(waker) {
            // A timer that has gone off is set anew.
            timer = timer.filter(|timer| timer.ticket != ticket || !timer.sleep.is_elapsed());
        } else {
            waiter.waker.clone_from(waker);
            timer = timer.filter(|timer| timer.ticket != ticket);
        }
        self.timer = timer;
    }
}

impl Timer {
    fn is_due(&mut self, waker: &Waker) -> bool {
        // The timer serves another task than the one whose budget this is.
        let sleep = pin!(unconstrained(self.sleep.as_mut()));
        sleep.poll(&mut Context::from_waker(waker)).is_ready()
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

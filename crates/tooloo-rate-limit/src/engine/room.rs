//! Those who wait, and the one bell that serves them.

use std::{collections::HashMap, fmt, sync::Weak, task::Waker};

use tooloo_clock::Moment;

use super::{Engine, bell::Bell};
use crate::state::{Order, Place, Ticket};

/// Who waits, in which order, and how each of them is woken.
pub(super) struct Room {
    pub(super) order: Order,
    pub(super) waiters: HashMap<Ticket, Waiter>,
    pub(super) max_in_all: usize,
    pub(super) max_per_key: usize,
    tickets: Ticket,
    bell: Option<Bell>,
    engine: Weak<Engine>,
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

impl Room {
    pub(super) fn new(engine: Weak<Engine>, max_in_all: usize, max_per_key: usize) -> Self {
        Self {
            order: Order::default(),
            waiters: HashMap::new(),
            max_in_all,
            max_per_key,
            tickets: 0,
            bell: None,
            engine,
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

    /// Sets the bell for the next; returns whom to wake at once, where it cannot be set from here.
    pub(super) fn arm(&mut self, next: Option<(Moment, Ticket)>, now: Moment) -> Option<Waker> {
        let Some((at, ticket)) = next else {
            self.bell = None;
            return None;
        };
        if self.bell.as_ref().is_some_and(|bell| bell.is_set(at)) {
            return None;
        }
        self.bell = Bell::set(Weak::clone(&self.engine), at, now);
        // Dropped or refilled outside of the runtime: the next sets the bell itself.
        let unset = self.bell.is_none();
        unset.then(|| self.waiters[&ticket].waker.clone())
    }

    /// Remembers how to wake a waiter, whose task may have changed.
    pub(super) fn rewake(&mut self, ticket: Ticket, waker: &Waker) {
        if let Some(waiter) = self.waiters.get_mut(&ticket) {
            waiter.waker.clone_from(waker);
        }
    }
}

impl fmt::Debug for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room")
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

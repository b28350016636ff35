//! Waiting for a quota, in fair order.

use std::{task::Waker, time::Duration};

use tooloo_clock::Moment;
use tooloo_key::Key;

use super::{
    Engine,
    room::{Fate, Room},
    serve::wake,
};
use crate::{
    RateLimited, Refusal,
    keys::Pinned,
    state::{Aside, Outcome, Place, Ticket},
    sync::lock,
};

/// What becomes of a request that would wait.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It need not.
    Decided(Result<(), RateLimited>),
    /// It waits.
    Waiting(Ticket),
}

/// What becomes of it under the room's lock.
enum Admission {
    Decided(Result<(), RateLimited>),
    Wait(Place),
}

impl Engine {
    /// Spends `cost` tokens of `key`'s now, or lets the request wait for them until `deadline`.
    pub(crate) fn enter(&self, key: &Key, cost: u64, deadline: Moment, waker: &Waker) -> Entry {
        let now = Moment::exact();
        let mut wakers = Vec::new();
        let entry = {
            let mut room = lock(&self.room);
            self.serve(&mut room, now, None, &mut wakers);
            match self.at(key, |pinned| self.admit(&room, pinned, cost, now, deadline)) {
                Admission::Decided(decision) => Entry::Decided(decision),
                Admission::Wait(place) => {
                    let ticket = room.enter(&place, cost, waker.clone());
                    self.serve(&mut room, now, Some(ticket), &mut wakers);
                    Entry::Waiting(ticket)
                }
            }
        };
        wake(wakers);
        if matches!(entry, Entry::Waiting(_)) {
            self.figures.queue();
        }
        entry
    }

    /// Looks whether a waiting request's time has come.
    pub(crate) fn look(&self, ticket: Ticket, waker: &Waker) -> Option<Result<(), RateLimited>> {
        let now = Moment::exact();
        let mut wakers = Vec::new();
        let decided = {
            let mut room = lock(&self.room);
            room.rewake(ticket, waker);
            self.serve(&mut room, now, Some(ticket), &mut wakers);
            let waiter = &room.waiters[&ticket];
            match waiter.fate {
                Fate::Waiting => None,
                Fate::Admitted | Fate::Refused => room.waiters.remove(&ticket),
            }
        };
        wake(wakers);
        decided.map(|waiter| {
            let result = match waiter.fate {
                Fate::Refused => Err(RateLimited::for_ever()),
                Fate::Admitted | Fate::Waiting => Ok(()),
            };
            self.count_result(&self.keys.pin_place(&waiter.place), &result);
            result
        })
    }

    /// Ends the wait of a request whose deadline has come.
    pub(crate) fn expire(&self, ticket: Ticket, waker: &Waker) -> Result<(), RateLimited> {
        // Served at the last moment is served.
        if let Some(decided) = self.look(ticket, waker) {
            return decided;
        }
        let wait = {
            let room = lock(&self.room);
            // Its own cost is among those it waits behind.
            let pinned = self.keys.pin_place(&room.waiters[&ticket].place);
            self.wait_behind(&room, &pinned, 0, Moment::exact())
        };
        let refused = Err(RateLimited::after(Refusal::TooLate, wait));
        if let Some(place) = self.leave(ticket) {
            self.count_result(&self.keys.pin_place(&place), &refused);
        }
        refused
    }

    /// Ends the wait of a request that nobody waits for any more.
    pub(crate) fn cancel(&self, ticket: Ticket) {
        if self.leave(ticket).is_some() {
            self.figures.cancel();
        }
    }

    /// Takes a request out that waits no more, and gives back what it was granted but never got.
    fn leave(&self, ticket: Ticket) -> Option<Place> {
        let now = Moment::exact();
        let mut wakers = Vec::new();
        let place = {
            let mut room = lock(&self.room);
            let waiter = room.waiters.remove(&ticket)?;
            if let (true, true) = room.order.remove(&waiter.place, ticket) {
                self.release(&waiter.place);
            }
            if waiter.fate == Fate::Admitted
                && let Some(bucket) = self.keys.pin_place(&waiter.place).find()
            {
                // A bucket that is gone was full.
                let _ = bucket.refund(waiter.cost, &self.common);
            }
            room.order.reconsider(&waiter.place);
            self.serve(&mut room, now, None, &mut wakers);
            waiter.place
        };
        wake(wakers);
        Some(place)
    }

    /// Returns how long one would wait behind those who wait, or `None` where nobody does any more.
    pub(super) fn behind(&self, pinned: &Pinned<'_>, cost: u64) -> Option<Duration> {
        let now = Moment::exact();
        let mut wakers = Vec::new();
        let wait = {
            let mut room = lock(&self.room);
            self.serve(&mut room, now, None, &mut wakers);
            let held = room.is_held(&pinned.place());
            held.then(|| self.wait_behind(&room, pinned, cost, now))
        };
        wake(wakers);
        wait
    }

    /// Admits a request at once, or sees to it that it can wait.
    fn admit(
        &self,
        room: &Room,
        pinned: &Pinned<'_>,
        cost: u64,
        now: Moment,
        deadline: Moment,
    ) -> Option<Admission> {
        loop {
            let bucket = self.bucket_in(room, pinned, now)?;
            let refusal = match self.outcome(bucket, cost, now) {
                None => RateLimited::for_ever(),
                Some(Outcome::Admitted) => {
                    self.count_seldom(pinned, bucket, true);
                    return Some(Admission::Decided(Ok(())));
                }
                Some(Outcome::Aside(aside @ (Aside::Gone | Aside::Moved))) => {
                    debug_assert_eq!(aside, Aside::Gone, "buckets move under the room's lock");
                    pinned.settle();
                    continue;
                }
                Some(Outcome::Short { .. } | Outcome::Aside(Aside::Held)) => {
                    let wait = self.wait_behind(room, pinned, cost, now);
                    let place = pinned.place();
                    if now + self.least_wait(room, pinned, cost, now) > deadline {
                        RateLimited::after(Refusal::TooLate, wait)
                    } else if room.order.waiting() >= room.max_in_all
                        || room.order.waiting_at(&place).0 >= room.max_per_key
                    {
                        RateLimited::after(Refusal::QueueFull, wait)
                    } else if bucket.hold().is_err() {
                        // Evicted between two glances.
                        continue;
                    } else {
                        return Some(Admission::Wait(place));
                    }
                }
            };
            self.count_seldom(pinned, bucket, false);
            return Some(Admission::Decided(Err(refusal)));
        }
    }
}

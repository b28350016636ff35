//! Serves those who wait, and knows how long that takes.

use std::{task::Waker, time::Duration};

use tooloo_clock::Moment;

use super::{
    Engine,
    room::{Fate, Room},
};
use crate::{
    keys::Pinned,
    state::{Attempt, Outcome, Place, Ticket},
    sync::lock,
};

impl Engine {
    /// Serves all whose time has come, and sets the bell for the next.
    pub(super) fn serve(
        &self,
        room: &mut Room,
        now: Moment,
        polled: Option<Ticket>,
        wakers: &mut Vec<Waker>,
    ) {
        if room.order.waiting() == 0 && room.waiters.is_empty() {
            // The last may have left unserved.
            lock(&self.common).set_held(false);
            return;
        }
        let served = room
            .order
            .serve(now, |place, cost| self.attempt(place, cost, now));
        for (tickets, fate) in [
            (served.admitted, Fate::Admitted),
            (served.refused, Fate::Refused),
        ] {
            for ticket in tickets {
                let waiter = room.waiters.get_mut(&ticket);
                let waiter = waiter.expect("who is in the order is in the room");
                waiter.fate = fate;
                if polled != Some(ticket) {
                    wakers.push(waiter.waker.clone());
                }
            }
        }
        for place in served.emptied {
            self.release(&place);
        }
        lock(&self.common).set_held(room.order.takes_turns());
        wakers.extend(room.arm(served.next, now));
    }

    /// Serves those whose time has come when the bell goes off.
    pub(super) fn ring(&self) {
        let mut wakers = Vec::new();
        let now = Moment::exact();
        self.serve(&mut lock(&self.room), now, None, &mut wakers);
        wake(wakers);
    }

    /// Spends for the first in a lane.
    fn attempt(&self, place: &Place, cost: u64, now: Moment) -> Attempt {
        let pinned = self.keys.pin_place(place);
        let Some(bucket) = pinned.find() else {
            return Attempt::Never;
        };
        if bucket.is_too_small_for(cost) {
            return Attempt::Never;
        }
        match bucket.spend_held(now, cost, &self.common) {
            Outcome::Admitted => Attempt::Admitted,
            Outcome::Short { own, .. } if own > now => Attempt::OwnUntil(own),
            Outcome::Short { common, .. } => Attempt::CommonUntil(common),
            Outcome::Aside(_) => Attempt::Never,
        }
    }

    pub(super) fn release(&self, place: &Place) {
        if let Some(bucket) = self.keys.pin_place(place).find() {
            // A bucket that is gone is held by nobody.
            let _ = bucket.release();
        }
    }

    /// Returns how long `cost` takes behind all who wait.
    pub(super) fn wait_behind(
        &self,
        room: &Room,
        pinned: &Pinned<'_>,
        cost: u64,
        now: Moment,
    ) -> Duration {
        let in_front = if room.order.takes_turns() {
            room.order.cost()
        } else {
            0
        };
        let own = self.least_wait(room, pinned, cost, now);
        let common = lock(&self.common).ready(now, in_front + cost);
        own.max(common.saturating_duration_since(now))
    }

    /// Returns how long `cost` takes at least, behind those who wait for the same key.
    pub(super) fn least_wait(
        &self,
        room: &Room,
        pinned: &Pinned<'_>,
        cost: u64,
        now: Moment,
    ) -> Duration {
        let in_front = room.order.waiting_at(&pinned.place()).1;
        let own = pinned
            .find()
            .map_or(now, |bucket| bucket.ready(now, in_front + cost));
        let common = lock(&self.common).ready(now, cost);
        own.max(common).saturating_duration_since(now)
    }
}

pub(super) fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        waker.wake();
    }
}

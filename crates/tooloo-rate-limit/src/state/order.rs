//! In which order those who wait are served.
//!
//! Within a key: first come, first served. Between keys that wait for a shared tier: deficit round
//! robin by cost (Shreedhar and Varghese, 1995), so that a key with a thousand requests waiting takes
//! turns with one that has two. A key that waits for its own quota stands aside until it comes back.

use std::collections::{BTreeMap, HashMap, VecDeque};

use tooloo_clock::Moment;
use tooloo_key::Key;

use super::lane::Lane;

/// Whose bucket is meant: a key's own, or the one that strangers share.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Place {
    Key(Key),
    Overflow,
}

/// Names one waiting request; later ones have higher numbers.
pub(crate) type Ticket = u64;

/// Who waits, and whose turn it is.
#[derive(Debug, Default)]
pub(crate) struct Order {
    lanes: HashMap<Place, Lane>,
    // Lanes that wait for their turn. One that is gone, or came again, is passed over.
    ring: VecDeque<(u64, Place)>,
    // Lanes that wait for their own quota.
    parked: BTreeMap<(Moment, u64), Place>,
    waiting: usize,
    cost: u64,
    // What a lane may spend each round: the largest cost, so that each turn serves someone.
    quantum: u64,
    lanes_begun: u64,
}

/// What came of spending for the first in a lane.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Attempt {
    Admitted,
    /// The key's own quota is short until then.
    OwnUntil(Moment),
    /// A shared quota is short until then.
    CommonUntil(Moment),
    /// There never will be enough.
    Never,
}

/// What became of those who waited.
#[derive(Debug, Default)]
pub(crate) struct Served {
    pub(crate) admitted: Vec<Ticket>,
    pub(crate) refused: Vec<Ticket>,
    /// Where nobody waits any more.
    pub(crate) emptied: Vec<Place>,
    /// Who is next, and when.
    pub(crate) next: Option<(Moment, Ticket)>,
}

impl Order {
    /// Returns how many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Returns how many tokens those ask for who wait.
    pub(crate) fn cost(&self) -> u64 {
        self.cost
    }

    /// Returns how many wait at `place`, and how many tokens they ask for.
    pub(crate) fn waiting_at(&self, place: &Place) -> (usize, u64) {
        let lane = self.lanes.get(place);
        lane.map_or((0, 0), |lane| (lane.queue.len(), lane.cost))
    }

    /// Whether some wait for a shared quota, and not for their own.
    pub(crate) fn takes_turns(&self) -> bool {
        self.lanes.len() > self.parked.len()
    }

    /// Returns where someone waits.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Place> {
        self.lanes.keys()
    }

    /// Puts a request at the end of its key's lane.
    pub(crate) fn enqueue(&mut self, place: &Place, ticket: Ticket, cost: u64) {
        if self.waiting == 0 {
            self.quantum = 0;
        }
        self.quantum = self.quantum.max(cost);
        self.waiting += 1;
        self.cost += cost;
        let lane = self.lanes.entry(place.clone()).or_insert_with(|| {
            self.lanes_begun += 1;
            self.ring.push_back((self.lanes_begun, place.clone()));
            Lane::new(self.lanes_begun)
        });
        lane.cost += cost;
        lane.queue.push_back((ticket, cost));
    }

    /// Takes a request out that waits no more; returns whether it did, and whether its lane is empty now.
    pub(crate) fn remove(&mut self, place: &Place, ticket: Ticket) -> (bool, bool) {
        let Some(lane) = self.lanes.get_mut(place) else {
            return (false, false);
        };
        let at = lane
            .queue
            .binary_search_by_key(&ticket, |(ticket, _)| *ticket);
        let Some((_, cost)) = at.ok().and_then(|at| lane.queue.remove(at)) else {
            return (false, false);
        };
        lane.cost -= cost;
        self.waiting -= 1;
        self.cost -= cost;
        let empty = lane.queue.is_empty();
        if empty {
            self.forget(place);
        }
        (true, empty)
    }

    /// Looks at `place` anew, whose own quota may have come back early.
    pub(crate) fn reconsider(&mut self, place: &Place) {
        if let Some(lane) = self.lanes.get_mut(place)
            && let Some(until) = lane.parked.take()
        {
            self.parked.remove(&(until, lane.id));
            self.ring.push_back((lane.id, place.clone()));
        }
    }

    /// Looks at every place anew.
    pub(crate) fn reconsider_all(&mut self) {
        let parked: Vec<Place> = self.parked.values().cloned().collect();
        for place in &parked {
            self.reconsider(place);
        }
    }

    /// Serves all whose time has come; `attempt` spends for one, or says until when it cannot.
    pub(crate) fn serve(
        &mut self,
        now: Moment,
        mut attempt: impl FnMut(&Place, u64) -> Attempt,
    ) -> Served {
        let mut served = Served::default();
        self.unpark(now);
        while let Some((id, place)) = self.ring.front().cloned() {
            let Some(lane) = self.lanes.get_mut(&place).filter(|lane| lane.id == id) else {
                self.ring.pop_front();
                continue;
            };
            if !lane.has_turn {
                lane.has_turn = true;
                lane.deficit += self.quantum;
            }
            let (ticket, cost) = lane.first();
            if cost > lane.deficit {
                lane.has_turn = false;
                self.ring.rotate_left(1);
                continue;
            }
            match attempt(&place, cost) {
                Attempt::Admitted => {
                    lane.deficit -= cost;
                    served.admitted.push(ticket);
                }
                Attempt::Never => served.refused.push(ticket),
                Attempt::OwnUntil(until) => {
                    self.park(&place, until);
                    continue;
                }
                Attempt::CommonUntil(until) => {
                    served.next = Some((until, ticket));
                    return served;
                }
            }
            if let (true, true) = self.remove(&place, ticket) {
                served.emptied.push(place);
            }
        }
        let next = self.parked.first_key_value();
        served.next = next.map(|((until, _), place)| (*until, self.lanes[place].first().0));
        served
    }

    fn unpark(&mut self, now: Moment) {
        while let Some(entry) = self.parked.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let ((_, id), place) = entry.remove_entry();
            if let Some(lane) = self.lanes.get_mut(&place) {
                lane.parked = None;
            }
            self.ring.push_back((id, place));
        }
    }

    /// Moves the lane at the front of the ring aside. What it had saved up for its turn is lost: it
    /// was not the others that kept it waiting.
    fn park(&mut self, place: &Place, until: Moment) {
        self.ring.pop_front();
        let lane = self.lanes.get_mut(place).expect("a lane that has its turn");
        lane.deficit = 0;
        lane.has_turn = false;
        lane.parked = Some(until);
        self.parked.insert((until, lane.id), place.clone());
    }

    fn forget(&mut self, place: &Place) {
        if let Some(lane) = self.lanes.remove(place)
            && let Some(until) = lane.parked
        {
            self.parked.remove(&(until, lane.id));
        }
        // Lanes that are gone must not pile up in the ring.
        if self.ring.len() > 2 * self.lanes.len() + 16 {
            let lanes = &self.lanes;
            let lives = |(id, place): &(u64, Place)| {
                let lane = lanes.get(place);
                lane.is_some_and(|lane| lane.id == *id && lane.parked.is_none())
            };
            self.ring.retain(lives);
        }
    }
}

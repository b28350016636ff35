//! What each connection of the pool is doing, and for whom.

use std::{panic::Location, sync::Arc, time::Duration};

use tokio::task::Id;
use tooloo_clock::Moment;
use tooloo_key::Key;

/// Who asks for a connection.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) place: &'static Location<'static>,
    /// Shared: a claim is copied on its way, and mostly has none.
    pub(crate) tenant: Option<Arc<Key>>,
    pub(crate) task: Option<Id>,
}

/// What becomes of a connection that is lent to nobody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unlent {
    Gone,
    Idle,
    /// In the hands of the pool, which checks or resets it.
    Mending,
}

/// One connection's slot.
///
/// Lending writes over what is there and moves nothing: it is done under the pool's lock each time.
#[derive(Debug)]
struct Slot {
    // None while it is lent.
    unlent: Option<Unlent>,
    // Of the last lease.
    claim: Claim,
    since: Moment,
    // Whether the log has said that it lasts too long.
    reported: bool,
}

/// A lease that lasts longer than it should.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Leak {
    /// Where it was taken.
    pub place: &'static Location<'static>,
    /// For whom, where the borrower said so.
    pub tenant: Option<Key>,
    /// For how long it has been out.
    pub held: Duration,
}

/// The slots of all connections, and how many there are of each kind.
#[derive(Debug)]
pub(crate) struct Slots {
    places: Vec<Slot>,
    // By slot, which task holds its connection: side by side, for whoever has to wait looks through all of them.
    holders: Vec<Option<Id>>,
    free: Vec<usize>,
    leased: usize,
    mending: usize,
}

impl Claim {
    /// Stands where nobody has asked for anything yet.
    #[track_caller]
    pub(crate) const fn none() -> Self {
        Self {
            place: Location::caller(),
            tenant: None,
            task: None,
        }
    }
}

impl Slots {
    pub(crate) const fn new() -> Self {
        Self {
            places: Vec::new(),
            holders: Vec::new(),
            free: Vec::new(),
            leased: 0,
            mending: 0,
        }
    }

    /// Returns how many connections there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    pub(crate) fn leased(&self) -> usize {
        self.leased
    }

    pub(crate) fn mending(&self) -> usize {
        self.mending
    }

    /// Makes a slot for a new connection, which the pool has in hand.
    pub(crate) fn add(&mut self) -> usize {
        self.mending += 1;
        if let Some(slot) = self.free.pop() {
            self.places[slot].unlent = Some(Unlent::Mending);
            slot
        } else {
            self.places.push(Slot {
                unlent: Some(Unlent::Mending),
                claim: Claim::none(),
                since: Moment::from_nanos(0),
                reported: false,
            });
            self.holders.push(None);
            self.places.len() - 1
        }
    }

    /// Lends a connection; returns the tenant that it was lent to before, if it still was.
    #[inline]
    pub(crate) fn lend(&mut self, slot: usize, claim: Claim, since: Moment) -> Option<Arc<Key>> {
        self.holders[slot] = claim.task;
        let slot = &mut self.places[slot];
        let former = match slot.unlent.take() {
            None => slot.claim.tenant.take(),
            Some(unlent) => {
                self.leased += 1;
                self.mending -= usize::from(unlent == Unlent::Mending);
                None
            }
        };
        slot.claim = claim;
        slot.since = since;
        slot.reported = false;
        former
    }

    /// Takes a connection back; returns the tenant that it was lent to, if it was.
    #[inline]
    pub(crate) fn set(&mut self, slot: usize, next: Unlent) -> Option<Arc<Key>> {
        match next {
            Unlent::Mending => self.mending += 1,
            Unlent::Gone => self.free.push(slot),
            Unlent::Idle => {}
        }
        self.holders[slot] = None;
        let slot = &mut self.places[slot];
        match slot.unlent.replace(next) {
            None => {
                self.leased -= 1;
                slot.claim.tenant.take()
            }
            Some(former) => {
                self.mending -= usize::from(former == Unlent::Mending);
                None
            }
        }
    }

    /// Returns where a task that holds a connection took it.
    pub(crate) fn held_by(&self, task: Id) -> Option<&'static Location<'static>> {
        let slot = self.holders.iter().position(|&held| held == Some(task))?;
        Some(self.places[slot].claim.place)
    }

    /// Returns the leases that are older than `after`.
    pub(crate) fn leaks(&self, after: Duration, now: Moment) -> Vec<Leak> {
        let leaks = self.places.iter().map(|slot| slot.leak(after, now));
        leaks.flatten().collect()
    }

    /// Returns the leases that are older than `after` and have not been returned by this before.
    pub(crate) fn report(&mut self, after: Duration, now: Moment) -> Vec<Leak> {
        let mut leaks = Vec::new();
        for slot in &mut self.places {
            if !slot.reported
                && let Some(leak) = slot.leak(after, now)
            {
                slot.reported = true;
                leaks.push(leak);
            }
        }
        leaks
    }
}

impl Slot {
    fn is_lent(&self) -> bool {
        self.unlent.is_none()
    }

    fn leak(&self, after: Duration, now: Moment) -> Option<Leak> {
        let held = now.saturating_duration_since(self.since);
        (self.is_lent() && held >= after).then(|| Leak {
            place: self.claim.place,
            tenant: self.claim.tenant.as_deref().cloned(),
            held,
        })
    }
}

//! What each connection of the pool is doing, and for whom.

use std::{panic::Location, time::Duration};

use tokio::task::Id;
use tooloo_clock::Moment;
use tooloo_key::Key;

/// Who asks for a connection.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) place: &'static Location<'static>,
    pub(crate) tenant: Option<Key>,
    pub(crate) task: Option<Id>,
}

/// One connection's slot.
#[derive(Debug)]
pub(crate) enum Slot {
    Free,
    Idle,
    /// In the hands of the pool, which checks or resets it.
    Mending,
    Leased(Leased),
}

/// Who has the connection, and since when.
#[derive(Debug)]
pub(crate) struct Leased {
    pub(crate) claim: Claim,
    pub(crate) since: Moment,
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
    free: Vec<usize>,
    leased: usize,
    mending: usize,
}

impl Slots {
    pub(crate) const fn new() -> Self {
        Self {
            places: Vec::new(),
            free: Vec::new(),
            leased: 0,
            mending: 0,
        }
    }

    /// Returns how many connections there are.
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
            self.places[slot] = Slot::Mending;
            slot
        } else {
            self.places.push(Slot::Mending);
            self.places.len() - 1
        }
    }

    /// Changes what a connection is doing; returns whom it was leased to.
    #[inline]
    pub(crate) fn set(&mut self, slot: usize, next: Slot) -> Option<Leased> {
        match &next {
            Slot::Leased(_) => self.leased += 1,
            Slot::Mending => self.mending += 1,
            Slot::Free => self.free.push(slot),
            Slot::Idle => {}
        }
        match std::mem::replace(&mut self.places[slot], next) {
            Slot::Leased(leased) => {
                self.leased -= 1;
                Some(leased)
            }
            Slot::Mending => {
                self.mending -= 1;
                None
            }
            Slot::Free | Slot::Idle => None,
        }
    }

    /// Returns where a task that holds a connection took it.
    pub(crate) fn held_by(&self, task: Id) -> Option<&'static Location<'static>> {
        let mut leased = self.places.iter().filter_map(Slot::leased);
        leased
            .find(|leased| leased.claim.task == Some(task))
            .map(|leased| leased.claim.place)
    }

    /// Returns the leases that are older than `after`.
    pub(crate) fn leaks(&self, after: Duration, now: Moment) -> Vec<Leak> {
        let leased = self.places.iter().filter_map(Slot::leased);
        leased
            .filter_map(|leased| leased.leak(after, now))
            .collect()
    }

    /// Returns the leases that are older than `after` and have not been returned by this before.
    pub(crate) fn report(&mut self, after: Duration, now: Moment) -> Vec<Leak> {
        let mut leaks = Vec::new();
        for slot in &mut self.places {
            if let Slot::Leased(leased) = slot
                && !leased.reported
                && let Some(leak) = leased.leak(after, now)
            {
                leased.reported = true;
                leaks.push(leak);
            }
        }
        leaks
    }
}

impl Slot {
    fn leased(&self) -> Option<&Leased> {
        match self {
            Self::Leased(leased) => Some(leased),
            Self::Free | Self::Idle | Self::Mending => None,
        }
    }
}

impl Leased {
    #[inline]
    pub(crate) fn new(claim: Claim, since: Moment) -> Self {
        Self {
            claim,
            since,
            reported: false,
        }
    }

    fn leak(&self, after: Duration, now: Moment) -> Option<Leak> {
        let held = now.saturating_duration_since(self.since);
        (held >= after).then(|| Leak {
            place: self.claim.place,
            tenant: self.claim.tenant.clone(),
            held,
        })
    }
}

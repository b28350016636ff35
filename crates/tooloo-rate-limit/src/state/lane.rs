//! The waiting requests of one key.

use std::collections::VecDeque;

use tooloo_clock::Moment;

use super::order::Ticket;

/// The waiting requests of one key, oldest first.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) id: u64,
    pub(super) queue: VecDeque<(Ticket, u64)>,
    pub(super) cost: u64,
    pub(super) deficit: u64,
    pub(super) has_turn: bool,
    pub(super) parked: Option<Moment>,
}

impl Lane {
    pub(super) fn new(id: u64) -> Self {
        Self {
            id,
            queue: VecDeque::new(),
            cost: 0,
            deficit: 0,
            has_turn: false,
            parked: None,
        }
    }

    /// Returns the oldest.
    pub(super) fn first(&self) -> (Ticket, u64) {
        *self.queue.front().expect("an empty lane is forgotten")
    }
}

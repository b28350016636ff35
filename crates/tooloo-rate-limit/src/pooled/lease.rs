//! Tokens that were taken from the store ahead of need.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use tooloo_clock::Moment;
use tooloo_key::Key;

use crate::{Standing, sync::lock};

/// What this process holds of each key's tokens, bounded in number.
#[derive(Debug)]
pub(super) struct Leases {
    held: Mutex<HashMap<Key, Lease>>,
    max: usize,
}

#[derive(Debug)]
struct Lease {
    tokens: u32,
    until: Moment,
    // As of when it began, without the tokens that it holds.
    standings: Vec<Standing>,
}

impl Leases {
    pub(super) fn new(max: usize) -> Self {
        Self {
            held: Mutex::default(),
            max,
        }
    }

    /// Spends `cost` tokens that are held, and returns how the key stands; `None` where too few are.
    pub(super) fn take(&self, key: &Key, cost: u32, now: Moment) -> Option<Vec<Standing>> {
        let mut held = self.held();
        let lease = held.get_mut(key).filter(|lease| lease.until > now)?;
        lease.tokens = lease.tokens.checked_sub(cost)?;
        Some(lease.standings())
    }

    /// Ends a lease, and returns the tokens that it still holds.
    pub(super) fn end(&self, key: &Key, now: Moment) -> u32 {
        let mut held = self.held();
        if held.len() >= self.max {
            held.retain(|_, lease| lease.until > now);
        }
        held.remove(key).map_or(0, |lease| lease.tokens)
    }

    /// Begins a lease of `tokens`, added to one that began meanwhile; returns how the key stands.
    pub(super) fn begin(
        &self,
        key: &Key,
        tokens: u32,
        until: Moment,
        standings: Vec<Standing>,
    ) -> Vec<Standing> {
        let mut held = self.held();
        let full = held.len() >= self.max && !held.contains_key(key);
        if tokens == 0 || full {
            return standings;
        }
        let lease = held.entry(key.clone()).or_insert(Lease {
            tokens: 0,
            until,
            standings: Vec::new(),
        });
        lease.tokens = lease.tokens.saturating_add(tokens);
        lease.until = until;
        lease.standings = standings;
        lease.standings()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Key, Lease>> {
        lock(&self.held)
    }
}

impl Lease {
    fn standings(&self) -> Vec<Standing> {
        let mut standings = self.standings.clone();
        for standing in &mut standings {
            standing.remaining = standing.remaining.saturating_add(self.tokens);
        }
        standings
    }
}

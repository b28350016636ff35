//! Counts and times of queries that differ in their values alone.

mod histogram;
mod table;

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

pub(crate) use self::{histogram::Histogram, table::Table};
use crate::{Fingerprint, Rule};

/// The figures of one fingerprint.
#[derive(Debug)]
pub(crate) struct Figures {
    /// None where they are those of all that found no place.
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) times: Histogram,
    rules: Mutex<BTreeSet<Rule>>,
}

impl Figures {
    pub(crate) fn new(fingerprint: Option<Fingerprint>) -> Self {
        Self {
            fingerprint,
            times: Histogram::new(),
            rules: Mutex::default(),
        }
    }

    pub(crate) fn record(&self, took: Duration) {
        self.times.record(took);
    }

    /// Notes the rules that one of the texts breaks.
    pub(crate) fn add_rules(&self, rules: impl IntoIterator<Item = Rule>) {
        let mut known = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(rules);
    }

    pub(crate) fn rules(&self) -> Vec<Rule> {
        let known = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().copied().collect()
    }
}

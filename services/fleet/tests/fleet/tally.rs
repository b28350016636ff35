//! Counts requests by where they went and what came of them.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

/// What requests are counted by.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    pub(crate) service: String,
    pub(crate) method: String,
    pub(crate) route: String,
    /// The status, or none where the client left before it.
    pub(crate) status: Option<u16>,
}

/// A count for each key; only those that were counted are there.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counts(pub(crate) BTreeMap<Key, u64>);

/// Counts from many tasks.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<Counts>);

impl Key {
    pub(crate) fn new(service: &str, method: &str, route: &str, status: Option<u16>) -> Self {
        Self {
            service: service.to_owned(),
            method: method.to_owned(),
            route: route.to_owned(),
            status,
        }
    }
}

impl Tally {
    pub(crate) fn add(&self, key: Key) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(key, 1);
    }

    pub(crate) fn counts(&self) -> Counts {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Counts {
    pub(crate) fn add(&mut self, key: Key, count: u64) {
        if count > 0 {
            *self.0.entry(key).or_default() += count;
        }
    }

    /// Reads what a service's observability says.
    pub(crate) fn of_observability(service: &str, answer: &Value) -> Self {
        let mut counts = Self::default();
        for route in answer["tracer"]["routes"]
            .as_array()
            .expect("there is a list of routes")
        {
            let text = |name: &str| route[name].as_str().expect("routes have names").to_owned();
            let total = route["count"].as_u64().expect("counts are whole");
            let mut answered = 0;
            for (status, count) in route["byStatus"]
                .as_object()
                .expect("routes tell their statuses")
            {
                let count = count.as_u64().expect("counts are whole");
                answered += count;
                let status = status.parse().expect("a status is a number");
                counts.add(
                    Key::new(service, &text("method"), &text("route"), Some(status)),
                    count,
                );
            }
            counts.add(
                Key::new(service, &text("method"), &text("route"), None),
                total - answered,
            );
        }
        counts
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    pub(crate) fn errors(&self) -> u64 {
        let errors = self
            .0
            .iter()
            .filter(|(key, _)| key.status.is_some_and(|status| status >= 500));
        errors.map(|(_, count)| count).sum()
    }

    pub(crate) fn only(&self, wanted: impl Fn(&Key) -> bool) -> Self {
        let counts = self.0.iter().filter(|(key, _)| wanted(key));
        Self(counts.map(|(key, count)| (key.clone(), *count)).collect())
    }

    /// Panics, showing both sides of every difference, where the two are not the same.
    pub(crate) fn assert_same(&self, other: &Self, what: &str) {
        let keys = self.0.keys().chain(other.0.keys());
        let count = |counts: &Self, key: &Key| counts.0.get(key).copied().unwrap_or(0);
        let mut different: Vec<_> = keys
            .filter(|key| count(self, key) != count(other, key))
            .map(|key| format!("{key}: {} and {}", count(self, key), count(other, key)))
            .collect();
        different.dedup();
        assert!(
            different.is_empty(),
            "{what}:\n  {}",
            different.join("\n  ")
        );
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {:?}",
            self.service, self.method, self.route, self.status
        )
    }
}

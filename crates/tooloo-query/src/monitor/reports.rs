//! What was found by watching.

use std::{
    collections::HashMap,
    fmt,
    panic::Location,
    sync::{Mutex, PoisonError},
};

use crate::Fingerprint;

/// Something that only shows while a program runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// One place of the code asked the same again and again, in one scope.
    NPlusOne { times: u32 },
    /// A scope asked more than it may.
    OverBudget { most: u32 },
    /// A large table is read whole under a filter that an index could serve.
    MissingIndex { create: String },
}

type Place = Option<&'static Location<'static>>;

/// The reports there are, as many as there is room for.
#[derive(Debug)]
pub(crate) struct Reports {
    most: usize,
    reports: Mutex<HashMap<(&'static str, Fingerprint, Place), Report>>,
}

impl Report {
    pub(crate) fn id(&self) -> &'static str {
        match self {
            Self::NPlusOne { .. } => "n-plus-one",
            Self::OverBudget { .. } => "query-budget",
            Self::MissingIndex { .. } => "missing-index",
        }
    }

    /// Returns the one of two that says more.
    fn max(self, other: Self) -> Self {
        match (&self, &other) {
            (Self::NPlusOne { times }, Self::NPlusOne { times: others }) if times > others => self,
            _ => other,
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NPlusOne { times } => write!(
                f,
                "Asked {times} times in one request: read all rows at once, or declare it as a keyed read and gather it."
            ),
            Self::OverBudget { most } => {
                write!(
                    f,
                    "The request asks more than {most} queries: read more at once, or cache."
                )
            }
            Self::MissingIndex { create } => {
                write!(f, "A large table is read whole under a filter: {create}")
            }
        }
    }
}

impl Reports {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            reports: Mutex::default(),
        }
    }

    /// Adds a report, and returns whether nobody had made it before.
    pub(crate) fn add(&self, report: Report, sql: &Fingerprint, place: Place) -> bool {
        let mut reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let room = reports.len() < self.most;
        let key = (report.id(), sql.clone(), place);
        if let Some(known) = reports.get_mut(&key) {
            *known = known.clone().max(report);
            return false;
        }
        if room {
            reports.insert(key, report);
        }
        room
    }

    pub(crate) fn all(&self) -> Vec<(Report, Fingerprint, Place)> {
        let reports = self.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let all = reports.iter();
        let mut all: Vec<_> = all
            .map(|((_, sql, place), report)| (report.clone(), sql.clone(), *place))
            .collect();
        drop(reports);
        all.sort_by(|one, other| one.1.as_str().cmp(other.1.as_str()));
        all
    }
}

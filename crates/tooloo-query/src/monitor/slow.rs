//! The newest slow queries.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

use crate::Fingerprint;

/// A query that took long.
#[derive(Clone, Debug)]
pub(crate) struct Slow {
    number: u64,
    pub(crate) sql: Fingerprint,
    pub(crate) took: Duration,
    pub(crate) time: Option<Timestamp>,
    pub(crate) trace_id: Option<String>,
    pub(crate) plan: Option<String>,
}

/// The newest slow queries.
#[derive(Debug)]
pub(crate) struct SlowLog {
    most: usize,
    queries: Mutex<(u64, VecDeque<Slow>)>,
}

impl SlowLog {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            queries: Mutex::default(),
        }
    }

    /// Adds a query, and returns the number by which its plan can be added.
    pub(crate) fn push(
        &self,
        sql: Fingerprint,
        took: Duration,
        trace_id: Option<String>,
    ) -> Option<u64> {
        let time = Timestamp::try_from(tooloo_clock::wall()).ok();
        let mut queries = self.queries.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, queries) = &mut *queries;
        *last += 1;
        if self.most == 0 {
            return None;
        }
        if queries.len() == self.most {
            queries.pop_front();
        }
        queries.push_back(Slow {
            number: *last,
            sql,
            took,
            time,
            trace_id,
            plan: None,
        });
        Some(*last)
    }

    pub(crate) fn add_plan(&self, number: u64, plan: String) {
        let mut queries = self.queries.lock().unwrap_or_else(PoisonError::into_inner);
        let slow = queries.1.iter_mut().find(|slow| slow.number == number);
        if let Some(slow) = slow {
            slow.plan = Some(plan);
        }
    }

    /// Returns the queries, newest first.
    pub(crate) fn newest(&self) -> Vec<Slow> {
        let queries = self.queries.lock().unwrap_or_else(PoisonError::into_inner);
        queries.1.iter().rev().cloned().collect()
    }
}

//! The queries that belong together, such as those of one HTTP request.

mod layer;
mod service;

use std::{
    collections::HashMap,
    panic::Location,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use tokio::{task::futures::TaskLocalFuture, task_local};

pub use self::{layer::QueryScopeLayer, service::QueryScopeService};

task_local! {
    static CURRENT: Scope;
}

/// How many pairs of a fingerprint and a place one scope tells apart.
const PAIRS: usize = 256;

pub(crate) type Scope = QueryScope;

/// The queries that belong together, such as those of one HTTP request: counted, and kept within a budget.
///
/// It holds for the future it is [around](Self::run), and not for tasks that this spawns. Clones are the same scope.
#[derive(Clone, Debug)]
pub struct QueryScope {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    budget: Option<Budget>,
    asked: AtomicU32,
    // How often each place asked the same but for the values.
    repeats: Mutex<HashMap<(u64, &'static Location<'static>), u32>>,
}

/// How many queries a scope may ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "a budget does nothing until a scope has it"]
pub struct Budget {
    pub(crate) most: u32,
    pub(crate) refuse: bool,
}

/// What became of a query's cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Spent {
    Within,
    /// This is the first query beyond.
    Beyond,
    Refused,
}

impl Budget {
    /// Reports a scope that asks more than `most` queries.
    pub fn warn(most: u32) -> Self {
        Self {
            most,
            refuse: false,
        }
    }

    /// Refuses queries beyond `most`.
    pub fn refuse(most: u32) -> Self {
        Self { most, refuse: true }
    }
}

impl QueryScope {
    /// Creates a scope with or without a budget.
    pub fn new(budget: impl Into<Option<Budget>>) -> Self {
        Self {
            inner: Arc::new(Inner {
                budget: budget.into(),
                asked: AtomicU32::new(0),
                repeats: Mutex::default(),
            }),
        }
    }

    /// Returns the scope of the present task, where there is one.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Runs a future whose queries belong to the scope.
    pub async fn run<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// Makes a future, and has it belong to the scope.
    pub(crate) fn wrap<F: Future>(self, make: impl FnOnce() -> F) -> TaskLocalFuture<Self, F> {
        let future = CURRENT.sync_scope(self.clone(), make);
        CURRENT.scope(self, future)
    }

    /// Returns what tells a scope from others that may refuse a query.
    pub(crate) fn refusing(&self) -> Option<usize> {
        let refuses = self.inner.budget.is_some_and(|budget| budget.refuse);
        refuses.then(|| Arc::as_ptr(&self.inner).addr())
    }

    /// Returns how many statements were sent to the database.
    pub fn asked(&self) -> u32 {
        let asked = self.inner.asked.load(Ordering::Relaxed);
        match self.inner.budget {
            Some(budget) if budget.refuse => asked.min(budget.most),
            _ => asked,
        }
    }

    /// Returns the budget.
    pub fn budget(&self) -> Option<Budget> {
        self.inner.budget
    }

    pub(crate) fn spend(&self) -> Spent {
        let asked = self.inner.asked.fetch_add(1, Ordering::Relaxed);
        match self.inner.budget {
            Some(budget) if asked >= budget.most && budget.refuse => Spent::Refused,
            Some(budget) if asked == budget.most => Spent::Beyond,
            _ => Spent::Within,
        }
    }

    /// Counts a read, and returns how often its place asked it.
    pub(crate) fn repeat(&self, fingerprint: u64, place: &'static Location<'static>) -> u32 {
        let repeats = self.inner.repeats.lock();
        let mut repeats = repeats.unwrap_or_else(PoisonError::into_inner);
        let room = repeats.len() < PAIRS;
        match repeats.get_mut(&(fingerprint, place)) {
            Some(count) => {
                *count += 1;
                *count
            }
            None if room => {
                repeats.insert((fingerprint, place), 1);
                1
            }
            None => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_passed_once_and_refuses_from_then_on() {
        let warned = QueryScope::new(Budget::warn(2));
        let spent: Vec<_> = (0..4).map(|_| warned.spend()).collect();
        assert_eq!(
            spent,
            [Spent::Within, Spent::Within, Spent::Beyond, Spent::Within]
        );
        let refused = QueryScope::new(Budget::refuse(1));
        assert_eq!(
            [refused.spend(), refused.spend(), refused.spend()],
            [Spent::Within, Spent::Refused, Spent::Refused]
        );
        assert_eq!(refused.asked(), 1, "what is refused is not sent");
    }

    #[test]
    fn places_beyond_the_bound_are_not_counted() {
        let scope = QueryScope::new(None);
        let here = Location::caller();
        for fingerprint in 0..PAIRS as u64 {
            assert_eq!(scope.repeat(fingerprint, here), 1);
        }
        assert_eq!(scope.repeat(u64::MAX, here), 0);
        assert_eq!(scope.repeat(0, here), 2);
    }
}

//! The plan of a text, as it was not long ago.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tooloo_clock::Moment;

/// How long a plan is taken for the present one.
const FRESH: Duration = Duration::from_secs(60);

/// The last plan of a text.
#[derive(Debug, Default)]
pub(crate) struct LastPlan(Mutex<Option<(Moment, String)>>);

impl LastPlan {
    pub(crate) fn set(&self, plan: String) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some((tooloo_clock::coarse() + FRESH, plan));
    }

    pub(crate) fn fresh(&self) -> Option<String> {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, plan) = last.as_ref()?;
        (tooloo_clock::coarse() < *until).then(|| plan.clone())
    }
}

//! The terms of keys that have none of their own.

use std::sync::Arc;

use sdd::{AtomicOwned, Guard, Owned, Tag};

use crate::{state::Terms, sync::Ordering};

/// Terms that are replaced when the limiter goes on under other settings.
#[derive(Debug)]
pub(super) struct Current(AtomicOwned<Arc<Terms>>);

impl Current {
    pub(super) fn new(terms: Arc<Terms>) -> Self {
        Self(AtomicOwned::new(terms))
    }

    /// Returns them, as long as the guard is there.
    #[inline]
    pub(super) fn get<'g>(&self, guard: &'g Guard) -> &'g Arc<Terms> {
        let terms = self.0.load(Ordering::Acquire, guard).as_ref();
        terms.expect("there are terms at all times")
    }

    /// Returns them, to keep.
    pub(super) fn to_keep(&self) -> Arc<Terms> {
        Arc::clone(self.get(&Guard::new()))
    }

    pub(super) fn replace(&self, terms: Arc<Terms>) {
        let terms = (Some(Owned::new(terms)), Tag::None);
        drop(self.0.swap(terms, Ordering::AcqRel));
    }
}

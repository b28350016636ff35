//! A value that is read with every decision, and replaced when settings change.

use sdd::{AtomicOwned, Guard, Owned, Tag};

use crate::sync::Ordering;

/// A value that readers need no lock for, nor share a count of.
#[derive(Debug)]
pub(crate) struct Current<T>(AtomicOwned<T>);

impl<T: 'static> Current<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(AtomicOwned::new(value))
    }

    /// Returns it, for as long as the guard is there.
    #[inline]
    pub(crate) fn get<'g>(&self, guard: &'g Guard) -> &'g T {
        let value = self.0.load(Ordering::Acquire, guard).as_ref();
        value.expect("there is a value at all times")
    }

    /// Puts another in its place, which is freed once nobody looks at it.
    pub(crate) fn replace(&self, value: T) {
        let value = (Some(Owned::new(value)), Tag::None);
        drop(self.0.swap(value, Ordering::AcqRel));
    }
}

impl<T: Clone + 'static> Current<T> {
    /// Returns a clone of it.
    pub(crate) fn to_keep(&self) -> T {
        self.get(&Guard::new()).clone()
    }
}

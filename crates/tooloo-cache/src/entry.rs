//! A cached value, and what is known of it.

mod glance;
mod label_set;
mod options;
mod record;
mod standing;

use std::{
    any::Any,
    fmt,
    ops::Deref,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tooloo_clock::Moment;
use triomphe::Arc;
use unsize::{CoerceUnsize as _, Coercion};

use self::{glance::Glance, standing::Standing};
pub use self::{label_set::LabelSet, options::EntryOptions, record::Record};
use crate::backend::{AnyEntry, Erased};

/// A value that is or was in a cache.
///
/// It reads as the value. Clones share it; one that is held on to outlives the cache's own.
pub struct Entry<V> {
    inner: Arc<Inner<V>>,
}

/// What a hit reads comes first, beside the reference count, and then what dropping it reads.
#[repr(C)]
struct Inner<V> {
    glance: Glance,
    value: V,
    record: Record,
    standing: Standing,
    last_used: AtomicU64,
    /// Until then no refresh is tried, since one has failed.
    retry_from: AtomicU64,
    created: Moment,
}

/// How fresh an entry is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Freshness {
    /// As good as new.
    Fresh,
    /// Stale, but to be served while it is refreshed.
    StaleWhileRevalidate,
    /// Stale, but to be served where a refresh fails.
    StaleIfError,
    /// Of use to compare with only, such as in a conditional request.
    Kept,
    /// Of no use.
    Dead,
}

impl<V> Entry<V> {
    /// Makes an entry of what a tier has stored, as of `now` on both clocks; the wall's in milliseconds since 1970.
    #[inline]
    pub(crate) fn new(value: V, record: Record, now: Moment, wall: u64) -> Self {
        let age = record.age_at(wall);
        // An entry may be older than the monotonic clock, which then counts from its beginning.
        let nanos = u64::try_from(age.as_nanos()).unwrap_or(u64::MAX);
        let created = Moment::from_nanos(now.as_nanos().saturating_sub(nanos));
        let fresh_until = match record.fresh_for {
            Some(fresh_for) => match fresh_for.checked_sub(age) {
                Some(left) => now + left,
                None => created + fresh_for,
            },
            None => Moment::from_nanos(u64::MAX),
        };
        let attend_from = record.attend_from(fresh_until);
        let inner = Inner {
            glance: Glance::new(attend_from, now, record.generation),
            standing: Standing::new(fresh_until, attend_from, record.generation),
            retry_from: AtomicU64::new(0),
            last_used: AtomicU64::new(now.as_nanos()),
            created,
            record,
            value,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Returns the value.
    pub fn value(&self) -> &V {
        &self.inner.value
    }

    /// Returns what is stored beside the value.
    pub fn record(&self) -> &Record {
        &self.inner.record
    }

    /// Returns for how long it has been in a cache.
    pub fn age(&self, now: Moment) -> Duration {
        now.saturating_duration_since(self.inner.created)
    }

    /// Returns how fresh it is.
    pub fn freshness(&self, now: Moment) -> Freshness {
        let record = self.record();
        if record.is_idle(now.saturating_duration_since(self.last_used())) {
            return Freshness::Dead;
        }
        record.freshness(self.fresh_until(), now)
    }

    /// Returns until when it is fresh; the last moment where it is for ever.
    pub fn fresh_until(&self) -> Moment {
        self.inner.standing.fresh_until()
    }

    /// Returns whether two of them are one and the same.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    /// Returns it as a tier holds it that does not know its type.
    #[inline]
    pub(crate) fn erased(&self) -> Erased
    where
        V: Send + Sync + 'static,
    {
        Arc::clone(&self.inner).unsize(Coercion!(to dyn AnyEntry))
    }

    /// Returns whether it is fresh for certain, at one glance.
    #[inline]
    pub(crate) fn is_fresh_at_a_glance(&self, now: Moment, generation: u64) -> bool {
        self.inner.glance.holds(now, generation)
    }

    /// Has a glance be enough for a while, after a closer look.
    pub(crate) fn looked_at(&self, now: Moment) {
        self.inner.standing.renew(&self.inner.glance, now);
    }

    /// Notes that it was used, where it has an idle time.
    #[inline]
    pub(crate) fn touch(&self, now: Moment) {
        let inner = &*self.inner;
        if inner.record.idle_for.is_some()
            && inner.last_used.load(Ordering::Relaxed) != now.as_nanos()
        {
            inner.last_used.store(now.as_nanos(), Ordering::Relaxed);
        }
    }

    /// Returns whether purges up to this generation are settled.
    pub(crate) fn is_settled(&self, generation: u64) -> bool {
        self.inner.standing.is_settled(generation)
    }

    /// Settles the purges up to this generation, none of which removes it; one may make it stale from a moment on.
    pub(crate) fn settle(&self, stale_from: Option<Moment>, generation: u64) {
        self.inner.standing.settle(stale_from, generation);
    }

    /// Leaves it alone until `moment`, since a refresh has failed.
    pub(crate) fn retry_from(&self, moment: Moment) {
        self.inner
            .retry_from
            .store(moment.as_nanos(), Ordering::Relaxed);
    }

    /// Returns whether a refresh may be tried.
    pub(crate) fn may_retry(&self, now: Moment) -> bool {
        self.inner.retry_from.load(Ordering::Relaxed) <= now.as_nanos()
    }

    fn last_used(&self) -> Moment {
        Moment::from_nanos(self.inner.last_used.load(Ordering::Relaxed))
    }
}

impl<V: Send + Sync + 'static> AnyEntry for Inner<V> {
    fn record(&self) -> &Record {
        &self.record
    }

    fn value(&self) -> &dyn Any {
        &self.value
    }
}

impl<V> Clone for Entry<V> {
    #[inline]
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<V> Deref for Entry<V> {
    type Target = V;

    #[inline]
    fn deref(&self) -> &V {
        &self.inner.value
    }
}

impl<V: fmt::Debug> fmt::Debug for Entry<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("value", &self.inner.value)
            .field("record", &self.inner.record)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

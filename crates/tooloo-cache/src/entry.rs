//! A cached value, and what is known of it.

mod glance;
mod label_set;
mod options;
mod record;

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

use self::glance::Glance;
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
    /// From this moment on it wants more than a glance: it is stale, or may be refreshed early.
    attend_from: AtomicU64,
    /// The generation up to which no purge is known to reach it.
    checked: AtomicU64,
    last_used: AtomicU64,
    /// Until then no refresh is tried, since one has failed.
    retry_from: AtomicU64,
    fresh_until: AtomicU64,
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
            attend_from: AtomicU64::new(attend_from.as_nanos()),
            retry_from: AtomicU64::new(0),
            checked: AtomicU64::new(record.generation),
            last_used: AtomicU64::new(now.as_nanos()),
            fresh_until: AtomicU64::new(fresh_until.as_nanos()),
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
        Moment::from_nanos(self.inner.fresh_until.load(Ordering::Relaxed))
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
        let inner = &*self.inner;
        // First the generation: who sees it also sees what its purges have made stale.
        let generation = inner.checked.load(Ordering::Acquire);
        let attend_from = Moment::from_nanos(inner.attend_from.load(Ordering::Relaxed));
        inner.glance.renew(attend_from, now, generation);
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

    /// Notes that no purge up to this generation reaches it.
    pub(crate) fn set_checked(&self, generation: u64) {
        self.inner.checked.fetch_max(generation, Ordering::Release);
    }

    pub(crate) fn checked(&self) -> u64 {
        self.inner.checked.load(Ordering::Relaxed)
    }

    /// Makes it stale from `moment` on.
    pub(crate) fn expire(&self, moment: Moment) {
        let inner = &*self.inner;
        inner
            .fresh_until
            .fetch_min(moment.as_nanos(), Ordering::Relaxed);
        inner
            .attend_from
            .fetch_min(moment.as_nanos(), Ordering::Relaxed);
        inner.glance.doubt();
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
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn no_look_taken_meanwhile_hides_what_a_purge_has_made_stale() {
        let now = Moment::from_nanos(1 << 40);
        for _ in 0..2000 {
            let record = Record {
                fresh_for: Some(Duration::from_secs(3600)),
                ..Record::default()
            };
            let entry = Entry::new((), record, now, 0);
            assert!(entry.is_fresh_at_a_glance(now, 0));
            let generation = AtomicU64::new(0);
            thread::scope(|scope| {
                scope.spawn(|| {
                    entry.expire(now);
                    entry.set_checked(1);
                    generation.store(1, Ordering::Release);
                });
                while generation.load(Ordering::Acquire) == 0 {
                    entry.looked_at(now);
                    let seen = generation.load(Ordering::Acquire);
                    assert!(seen == 0 || !entry.is_fresh_at_a_glance(now, seen));
                }
            });
            entry.looked_at(now);
            assert!(!entry.is_fresh_at_a_glance(now, 1));
        }
    }
}

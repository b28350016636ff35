//! Until when an entry is fresh, and which purges are known not to reach it: readers and purges change it together.

use tooloo_clock::Moment;

use super::glance::Glance;
use crate::sync::{AtomicU64, Ordering};

/// How an entry stands; what of it tells [at a glance](Glance) lies elsewhere, and is handed in.
#[derive(Debug)]
pub(super) struct Standing {
    /// From this moment on it wants more than a glance: it is stale, or may be refreshed early.
    attend_from: AtomicU64,
    fresh_until: AtomicU64,
    /// The generation up to which no purge is known to reach it.
    checked: AtomicU64,
}

impl Standing {
    pub(super) fn new(fresh_until: Moment, attend_from: Moment, generation: u64) -> Self {
        Self {
            attend_from: AtomicU64::new(attend_from.as_nanos()),
            fresh_until: AtomicU64::new(fresh_until.as_nanos()),
            checked: AtomicU64::new(generation),
        }
    }

    pub(super) fn fresh_until(&self) -> Moment {
        Moment::from_nanos(self.fresh_until.load(Ordering::Relaxed))
    }

    /// Returns whether purges up to this generation are settled: then it stands as they have left it.
    pub(super) fn is_settled(&self, generation: u64) -> bool {
        self.checked.load(Ordering::Acquire) == generation
    }

    /// Settles the purges up to this generation, none of which removes it: it is stale from the given moment on, where
    /// one of them made it so.
    pub(super) fn settle(&self, stale_from: Option<Moment>, generation: u64) {
        if let Some(moment) = stale_from.map(Moment::as_nanos) {
            self.fresh_until.fetch_min(moment, Ordering::Relaxed);
            self.attend_from.fetch_min(moment, Ordering::Relaxed);
        }
        // Last: who sees the generation sees also what its purges did.
        self.checked.fetch_max(generation, Ordering::Release);
    }

    /// Has a glance be enough for a while.
    pub(super) fn renew(&self, glance: &Glance, now: Moment) {
        // First the generation, for the same reason.
        let generation = self.checked.load(Ordering::Acquire);
        let attend_from = Moment::from_nanos(self.attend_from.load(Ordering::Relaxed));
        glance.renew(attend_from, now, generation);
    }
}

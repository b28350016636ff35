//! What is stored beside a value, in every tier.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tooloo_clock::Moment;

use super::{Freshness, LabelSet};

/// How many fill times before the end of freshness an early refresh is possible at all.
///
/// The chance that one comes still earlier is e to the power of minus this, and nobody rolls for that.
const EARLY_FILL_TIMES: u32 = 16;

/// How far from the future a record may be, in milliseconds: clocks are not all alike.
const TOLERANCE: u64 = 60_000;

/// What is stored beside a value: plain data, with times as the wall clock tells them.
///
/// What replacing an entry reads of the old one comes first: in memory it lies beside the reference count.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[repr(C)]
pub struct Record {
    /// Its size in memory, in bytes.
    pub bytes: u64,
    /// The names that it can be purged by, in order.
    pub labels: LabelSet,
    /// The generation that the fill began in: purges of later ones reach it.
    pub generation: u64,
    /// The number of the last change of other caches that was known when the fill began; `u64::MAX` where
    /// the tier it comes from has compared it with all of their purges.
    pub sequence: u64,
    /// When it was stored, in milliseconds since 1970.
    pub created: u64,
    /// For how long it is fresh from then on; `None` for ever.
    pub fresh_for: Option<Duration>,
    /// For how long after that it is served while it is refreshed.
    pub stale_while_revalidate: Duration,
    /// For how long after being fresh it is served where a refresh fails.
    pub stale_if_error: Duration,
    /// For how long after being fresh it is kept to compare with.
    pub keep_for: Duration,
    /// How long it lives without being used.
    pub idle_for: Option<Duration>,
    /// How long it took to make; zero where it is not to be refreshed early.
    pub fill_time: Duration,
    /// How eagerly it is refreshed early, in thousandths.
    pub eagerness: u32,
    /// Its weight.
    pub weight: u32,
    /// Whether it says that there is nothing.
    pub negative: bool,
}

impl Record {
    /// Returns its age at this time in milliseconds since 1970: none, where it is from the future.
    pub fn age_at(&self, wall: u64) -> Duration {
        Duration::from_millis(wall.saturating_sub(self.created))
    }

    /// Returns when it stops being of any use, in milliseconds since 1970; `None` for never.
    pub fn dead_from(&self) -> Option<u64> {
        let lasts = self.fresh_for?.saturating_add(self.usable_stale());
        let millis = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
        Some(self.created.saturating_add(millis))
    }

    /// Returns whether it is of no use at this time in milliseconds since 1970.
    ///
    /// Where it is from the future, the clock was put back, and nobody knows how old it is.
    pub fn is_dead_at(&self, wall: u64) -> bool {
        let from_the_future = self.created.saturating_sub(wall) > TOLERANCE;
        from_the_future || self.dead_from().is_some_and(|dead| dead <= wall)
    }

    /// Returns how fresh an entry is that is so until `fresh_until`.
    pub(crate) fn freshness(&self, fresh_until: Moment, now: Moment) -> Freshness {
        if now < fresh_until {
            return Freshness::Fresh;
        }
        let stale = now.saturating_duration_since(fresh_until);
        if stale < self.stale_while_revalidate {
            Freshness::StaleWhileRevalidate
        } else if stale < self.stale_if_error {
            Freshness::StaleIfError
        } else if stale < self.keep_for {
            Freshness::Kept
        } else {
            Freshness::Dead
        }
    }

    /// Returns from when on a glance at an entry that is fresh until then is not enough.
    #[inline]
    pub(crate) fn attend_from(&self, fresh_until: Moment) -> Moment {
        if self.idle_for.is_some() {
            // Each use of it is to be noted.
            return Moment::from_nanos(0);
        }
        if self.eagerness == 0 || self.fill_time.is_zero() {
            return fresh_until;
        }
        let early = self.early_scale().saturating_mul(EARLY_FILL_TIMES);
        let nanos = u64::try_from(early.as_nanos()).unwrap_or(u64::MAX);
        match fresh_until.as_nanos() {
            u64::MAX => fresh_until,
            until => Moment::from_nanos(until.saturating_sub(nanos)),
        }
    }

    /// Returns the mean of how early it is refreshed: the fill time times the eagerness.
    pub(crate) fn early_scale(&self) -> Duration {
        self.fill_time.saturating_mul(self.eagerness) / 1000
    }

    fn usable_stale(&self) -> Duration {
        self.stale_while_revalidate
            .max(self.stale_if_error)
            .max(self.keep_for)
    }
}

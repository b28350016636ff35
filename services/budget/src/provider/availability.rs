//! Whether a provider can be called now: it does not rest, and its breaker lets calls through.

use std::time::{Duration, SystemTime};

use tooloo_circuit_breaker::{Permit, Status};
use tooloo_clock::Instant;
use tooloo_hub::Observe;

use super::{Failure, Provider, Providers};

/// When a provider can be called.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Availability {
    Now,
    /// Not before this much time has passed.
    In(Duration),
    /// When someone says so.
    ByHand,
}

impl Availability {
    pub(crate) fn is_now(self) -> bool {
        self == Self::Now
    }

    /// Returns how long it takes, where that is known; nothing where it can be called.
    pub(crate) fn wait(self) -> Option<Duration> {
        match self {
            Self::In(wait) => Some(wait),
            Self::Now | Self::ByHand => None,
        }
    }
}

impl Providers {
    /// Returns how many providers can be called.
    pub(crate) fn available(&self, now: Instant) -> usize {
        self.iter().filter(|one| one.is_available(now)).count()
    }

    /// Returns how long it takes until one can be called, where none can and that is known.
    pub(crate) fn soonest(&self, now: Instant) -> Option<Duration> {
        if self.available(now) > 0 {
            return None;
        }
        let waits = self.iter().filter_map(|one| one.availability(now).wait());
        waits.min()
    }
}

impl Provider {
    /// Lets one call through, whose result the permit is for.
    ///
    /// # Errors
    ///
    /// Returns why the provider is to be passed over; the breaker has counted it, where it refused.
    pub(crate) fn admit(&self, now: Instant) -> Result<Permit, Failure> {
        match self.record().rest(now) {
            Some(rest) => Err(Failure::resting(rest)),
            None => self.breaker.try_acquire().map_err(Failure::circuit_open),
        }
    }

    /// Returns when the provider can be called, and counts nothing.
    ///
    /// A half-open breaker is taken for one that lets calls through, as it may.
    pub(crate) fn availability(&self, now: Instant) -> Availability {
        let rest = self.record().rest(now);
        let open = match self.breaker.status() {
            Status::ForcedOpen => return Availability::ByHand,
            Status::Open => self.open_for(),
            _ => None,
        };
        rest.max(open).map_or(Availability::Now, Availability::In)
    }

    pub(crate) fn is_available(&self, now: Instant) -> bool {
        self.availability(now).is_now()
    }

    /// Returns how long the breaker is still open.
    fn open_for(&self) -> Option<Duration> {
        let until = self.breaker.handle().snapshot().open_until?;
        let left = SystemTime::from(until).duration_since(tooloo_clock::wall());
        left.ok().filter(|left| !left.is_zero())
    }
}

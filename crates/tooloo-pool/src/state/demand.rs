//! How many connections to make, and what becomes of the attempts.

use std::time::Duration;

use tooloo_clock::Moment;

use super::{Back, Effects, Pooled, State};
use crate::figures::CloseReason;

/// Lifetimes end up to this part earlier.
const LIFETIME_JITTER: f64 = 0.1;

/// Far enough to be never.
const NEVER: Moment = Moment::from_nanos(u64::MAX);

impl<C> State<C> {
    /// Returns how many connections to begin to make now, and counts on them.
    pub(crate) fn demand(&mut self) -> usize {
        let wanted = self.wanted();
        let room = self
            .config
            .max
            .get()
            .saturating_sub(self.slots.len() + self.connecting);
        let most = self.config.max_connecting.get();
        let more = wanted
            .saturating_sub(self.connecting)
            .min(room)
            .min(most.saturating_sub(self.connecting));
        self.connecting += more;
        more
    }

    /// Returns whether one of the connections that are being made is still wanted; counts on it no more if not.
    pub(crate) fn keep_connecting(&mut self) -> bool {
        let max = self.config.max.get();
        let keep = self.connecting <= self.wanted() && self.slots.len() + self.connecting <= max;
        if !keep {
            self.connecting -= 1;
            self.tally.elided += 1;
        }
        keep
    }

    /// Counts on one connection that is made whatever is wanted.
    #[cfg(test)]
    pub(crate) fn reserve(&mut self) {
        self.connecting += 1;
    }

    /// Takes note that nobody makes a connection any more which was counted on.
    pub(crate) fn stop_connecting(&mut self) {
        self.connecting -= 1;
    }

    /// Takes a new connection in.
    pub(crate) fn connected(&mut self, connection: C, now: Moment, effects: &mut Effects<C>) {
        self.connecting -= 1;
        self.tally.created += 1;
        let pooled = Pooled {
            connection,
            slot: self.slots.add(),
            generation: self.health.generation(),
            epoch: self.health.epoch(),
            expires: self.expiry(now),
            used: now,
            good: now,
        };
        self.put(Box::new(pooled), Back::Checked, now, effects);
        effects.connect += self.demand();
    }

    /// Takes note of a failure to connect; returns how long to wait before the next attempt.
    pub(crate) fn connect_failed(&mut self, now: Moment, effects: &mut Effects<C>) -> Duration {
        self.tally.failed += 1;
        if self.health.connect_failed() {
            self.bury_idle(CloseReason::Stale, now, effects);
        }
        let random = self.random.f64();
        let times = &self.config.times;
        self.health
            .backoff(times.backoff, times.longest_backoff, random)
    }

    /// Returns how many connections would serve those who wait, and fill the pool to its least number.
    fn wanted(&self) -> usize {
        if self.closed {
            return 0;
        }
        let held_up = self.tenants.held_up(self.config.max.get());
        let waiting = self.queue.len().saturating_sub(held_up);
        waiting.max(self.least().saturating_sub(self.slots.len()))
    }

    pub(super) fn least(&self) -> usize {
        self.config.min.min(self.config.max.get())
    }

    fn expiry(&mut self, now: Moment) -> Moment {
        let early = self.random.f64() * LIFETIME_JITTER;
        let lifetime = self.config.times.lifetime;
        lifetime.map_or(NEVER, |lifetime| now + lifetime.mul_f64(1.0 - early))
    }
}

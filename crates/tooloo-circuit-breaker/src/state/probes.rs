//! The calls that a half-open breaker lets through, and what they show.

use tooloo_clock::Moment;

use super::Mark;
use crate::CircuitBreakerConfig;

/// The probes of one half-open spell.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    under_way: Vec<Probe>,
    ended: u32,
    failed: u32,
    slow: u32,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    ticket: u64,
    deadline: Moment,
}

/// What the probes show.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Recovered,
    Failing,
}

impl Probes {
    /// Lets the call of this ticket through where there is room.
    pub(super) fn admit(&mut self, ticket: u64, now: Moment, config: &CircuitBreakerConfig) {
        if !self.has_room(config) {
            // A call that never ends must not hold its place for ever.
            self.under_way.retain(|probe| probe.deadline > now);
        }
        if self.has_room(config) {
            let deadline = now + config.probe_timeout;
            self.under_way.push(Probe { ticket, deadline });
        }
    }

    /// Ends the call of this ticket, and returns what the probes show once that is certain.
    ///
    /// A call that has lost its place shows nothing any more.
    pub(super) fn end(
        &mut self,
        ticket: u64,
        mark: Option<Mark>,
        config: &CircuitBreakerConfig,
    ) -> Option<Verdict> {
        let place = self
            .under_way
            .iter()
            .position(|probe| probe.ticket == ticket)?;
        self.under_way.swap_remove(place);
        let mark = mark?;
        self.ended += 1;
        self.failed += u32::from(mark.failed);
        self.slow += u32::from(mark.slow);
        let left = config.probes() - self.ended;
        if Self::fail(self.failed, self.slow, config) {
            Some(Verdict::Failing)
        } else if Self::fail(self.failed + left, self.slow + left, config) {
            None
        } else {
            Some(Verdict::Recovered)
        }
    }

    /// Returns whether the call of this ticket is under way.
    pub(crate) fn holds(&self, ticket: u64) -> bool {
        self.under_way.iter().any(|probe| probe.ticket == ticket)
    }

    /// Returns how many calls are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// Returns from when on there may be room for a call; `None` where there is.
    pub(crate) fn full_until(&self, config: &CircuitBreakerConfig) -> Option<Moment> {
        let deadlines = self.under_way.iter().map(|probe| probe.deadline);
        deadlines.min().filter(|_| !self.has_room(config))
    }

    fn has_room(&self, config: &CircuitBreakerConfig) -> bool {
        let taken = self.under_way.len() + self.ended as usize;
        taken < config.probes() as usize
    }

    /// Returns whether so many bad calls among all probes are too many.
    fn fail(failed: u32, slow: u32, config: &CircuitBreakerConfig) -> bool {
        let of = config.probes();
        // Without a rate to hold them to, no probe may fail.
        let failing = match config.failure_rate {
            Some(rate) => rate.is_reached(failed, of),
            None => failed > 0,
        };
        failing || (config.slow_calls).is_some_and(|calls| calls.rate.is_reached(slow, of))
    }
}

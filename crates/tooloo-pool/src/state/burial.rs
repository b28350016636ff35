//! How connections leave the pool.

use tooloo_clock::Moment;

use super::{Effects, Failure, Pooled, State, Unlent};
use crate::figures::CloseReason;

impl<C> State<C> {
    /// Takes a connection out of the pool and has it closed.
    pub(crate) fn bury(
        &mut self,
        pooled: Pooled<C>,
        reason: CloseReason,
        now: Moment,
        effects: &mut Effects<C>,
    ) {
        self.set(pooled.slot, Unlent::Gone);
        self.tally.close(reason);
        self.closing += 1;
        effects.bury(pooled, reason);
        self.settle(now, effects);
        effects.connect += self.demand();
    }

    /// Takes a connection out of the pool whose closing nobody waits for, since it is the borrower's now.
    pub(crate) fn detach(&mut self, pooled: Pooled<C>, now: Moment, effects: &mut Effects<C>) -> C {
        self.set(pooled.slot, Unlent::Gone);
        self.tally.close(CloseReason::Detached);
        self.settle(now, effects);
        effects.connect += self.demand();
        pooled.connection
    }

    /// Takes note that a connection showed itself to be of no use, and has it closed.
    pub(crate) fn fail(
        &mut self,
        pooled: Pooled<C>,
        failure: Failure,
        now: Moment,
        effects: &mut Effects<C>,
    ) {
        if self.health.failed(pooled.generation, failure) {
            self.bury_idle(CloseReason::Stale, now, effects);
        }
        let reason = match failure {
            Failure::Broken => CloseReason::Broken,
            Failure::Silent => CloseReason::Silent,
        };
        self.bury(pooled, reason, now, effects);
    }

    /// Takes note that a connection is closed now.
    pub(crate) fn closed_one(&mut self) {
        self.closing -= 1;
    }

    pub(super) fn bury_idle(&mut self, reason: CloseReason, now: Moment, effects: &mut Effects<C>) {
        for pooled in std::mem::take(&mut self.idle) {
            self.bury(*pooled, reason, now, effects);
        }
    }

    /// Returns whether a connection is past its time, of an older generation, or one too many.
    #[inline]
    pub(super) fn retirement(&self, pooled: &Pooled<C>, now: Moment) -> Option<CloseReason> {
        if self.closed {
            Some(CloseReason::Drained)
        } else if pooled.generation != self.health.generation() {
            Some(CloseReason::Stale)
        } else if now >= pooled.expires {
            Some(CloseReason::Lifetime)
        } else if self.slots.len() > self.config.max.get() {
            Some(CloseReason::Shrunk)
        } else {
            None
        }
    }
}

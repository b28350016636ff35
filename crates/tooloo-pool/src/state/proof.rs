//! What connections show of themselves: that they answer, or that something is left behind in them.

use tooloo_clock::Moment;

use super::{Effects, Pooled, State, Unlent};

impl<C> State<C> {
    /// Takes note that a connection has just answered, while it is lent.
    pub(crate) fn proved(&mut self, pooled: &mut Pooled<C>, now: Moment) {
        (pooled.good, pooled.epoch) = (now, self.health.epoch());
        self.health.succeeded();
    }

    /// Leaves a connection that was lent in the pool's own hands, to be reset or checked.
    pub(crate) fn set_mending(
        &mut self,
        pooled: &mut Pooled<C>,
        dirty: bool,
        now: Moment,
        effects: &mut Effects<C>,
    ) {
        pooled.used = now;
        self.tally.dirty += u64::from(dirty);
        self.set(pooled.slot, Unlent::Mending);
        self.settle(now, effects);
    }

    #[inline]
    pub(super) fn needs_check(&self, pooled: &Pooled<C>, now: Moment) -> bool {
        let silent = now.saturating_duration_since(pooled.good);
        pooled.epoch != self.health.epoch() || silent >= self.config.times.check_after
    }
}

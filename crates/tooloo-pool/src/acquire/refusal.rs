//! What those are told who get no connection, and what is told of those who nest.

use std::{panic::Location, sync::atomic::Ordering};

use tooloo_clock::Moment;

use super::{Acquire, Stage};
use crate::{Connection, PoolError, Refusal};

impl<C: Connection> Acquire<'_, C> {
    #[cold]
    pub(super) fn refused(&mut self, error: PoolError, now: Moment) -> PoolError {
        self.stage = Stage::Over;
        let inner = &self.pool.inner;
        let waited = now.saturating_duration_since(self.entry.since);
        let error = error.with_waited(waited);
        if error.refusal() == Refusal::TimedOut {
            inner.timeouts.fetch_add(1, Ordering::Relaxed);
            error
                .with_held_at(self.held_at)
                .with_cause(inner.last_failure())
        } else {
            inner.exchange.lock().tally.refused += 1;
            error
        }
    }

    #[cold]
    pub(super) fn report_nesting(&mut self, held_at: &'static Location<'static>) {
        // One that is asked again stands in the same line.
        if self.held_at.replace(held_at).is_some() {
            return;
        }
        // The first, the second, the fourth: a program that does it always does not fill its log with it.
        if self
            .pool
            .inner
            .exchange
            .lock()
            .tally
            .nested
            .is_power_of_two()
        {
            tracing::warn!(
                place = %self.entry.claim.place,
                %held_at,
                "a task that holds a connection waits for another of the same pool: a full pool stands still by that"
            );
        }
    }
}

//! Watches the deadlines of all who wait, with one timer: a timer each would cost more than the waiting does.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::sleep;
use tooloo_clock::Moment;

use crate::{connection::Connection, exchange::CarryOut, inner::Inner, state::Effects};

/// That somebody watches; dropped, the next who waits sees to it.
pub(crate) struct Watching<C: Connection> {
    pool: Weak<Inner<C>>,
    // Nobody waits any more.
    over: bool,
}

/// Refuses those whose deadline passes, until nobody waits.
pub(crate) async fn run<C: Connection>(mut watching: Watching<C>) {
    while let Some(left) = watching.look() {
        sleep(left).await;
    }
}

impl<C: Connection> Watching<C> {
    pub(crate) fn new(pool: &Arc<Inner<C>>) -> Self {
        Self {
            pool: Arc::downgrade(pool),
            over: false,
        }
    }

    /// Refuses whom there is to refuse; returns how long it is until the next deadline.
    fn look(&mut self) -> Option<Duration> {
        let pool = self.pool.upgrade()?;
        let now = Moment::exact();
        let mut effects = Effects::new();
        let next = pool.exchange.lock().expire(now, &mut effects);
        self.over = next.is_none();
        pool.carry_out(effects);
        next.map(|next| next.saturating_duration_since(now))
    }
}

impl<C: Connection> Drop for Watching<C> {
    fn drop(&mut self) {
        if !self.over
            && let Some(pool) = self.pool.upgrade()
        {
            pool.exchange.lock().stop_watching();
        }
    }
}

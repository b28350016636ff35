//! Looks after the idle connections and the leases, from time to time.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::{
    Times, connection::Connection, exchange::CarryOut, inner::Inner, mend, state::Effects,
};

/// The longest time between two looks, and the shortest.
const PERIOD: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(10);

/// That somebody looks after the pool; dropped, the next borrower sees to it.
pub(crate) struct Tending<C: Connection> {
    pool: Weak<Inner<C>>,
}

/// Looks after a pool until nobody has it any more, or it is closed.
pub(crate) async fn run<C: Connection>(tending: Tending<C>) {
    let Some(pool) = tending.pool.upgrade() else {
        return;
    };
    let period = period(&pool.times);
    drop(pool);
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(pool) = tending.pool.upgrade() else {
            return;
        };
        if *pool.closed.borrow() {
            return;
        }
        look(&pool);
    }
}

fn look<C: Connection>(pool: &Arc<Inner<C>>) {
    let now = tooloo_clock::coarse();
    let mut effects = Effects::new();
    let found = pool.exchange.lock().tend(now, &mut effects);
    pool.carry_out(effects);
    for pooled in found.check {
        pool.spawn(mend::check(mend::InHand::new(pool, pooled)));
    }
    for leak in found.leaks {
        tracing::warn!(
            place = %leak.place,
            held = ?leak.held,
            tenant = leak.tenant.as_ref().map(tooloo_key::Key::as_str),
            "a pooled connection has been out for long: it may have leaked"
        );
    }
}

/// Returns how often to look, so that nothing is late by more than half its time.
fn period(times: &Times) -> Duration {
    let times = [
        Some(times.check_every),
        times.idle,
        times.lifetime,
        times.leak,
    ];
    let shortest = times.into_iter().flatten().min().unwrap_or(PERIOD);
    (shortest / 2).clamp(SHORTEST, PERIOD)
}

impl<C: Connection> Tending<C> {
    pub(crate) fn new(pool: &Arc<Inner<C>>) -> Self {
        Self {
            pool: Arc::downgrade(pool),
        }
    }
}

impl<C: Connection> Drop for Tending<C> {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.exchange.lock().stop_tending();
        }
    }
}

//! Makes the connections that were counted on.

use std::{
    pin::pin,
    sync::{Arc, Weak},
};

use tokio::time::{sleep, timeout};

use crate::{
    connection::{BoxError, Connection},
    exchange::CarryOut,
    inner::Inner,
    state::{Effects, State},
};

/// A connection that the pool counts on.
///
/// Dropped without one, it is counted on no more: its runtime ended, or the connector panicked.
pub(crate) struct Reservation<C: Connection> {
    // Weak: an outage does not keep a pool alive that nobody has any more.
    pool: Weak<Inner<C>>,
    settled: bool,
}

/// Makes one connection, trying again for as long as it is wanted.
pub(crate) async fn run<C: Connection>(mut reservation: Reservation<C>) {
    while let Some(pool) = reservation.pool.upgrade() {
        if !reservation.is_wanted(&pool) {
            return;
        }
        let mut closed = pool.closed.subscribe();
        let connected = tokio::select! {
            connected = timeout(pool.times.connect, pool.connector.connect()) => connected,
            _ = closed.wait_for(|&closed| closed) => return,
        };
        let failure = match connected {
            Ok(Ok(connection)) => return reservation.fulfil(&pool, connection),
            Ok(Err(failure)) => failure,
            Err(elapsed) => elapsed.into(),
        };
        let news = Arc::clone(&pool.news);
        // Asked for before the failure is told, so that a success meanwhile is not missed.
        let mut news = pin!(news.notified());
        news.as_mut().enable();
        let wait = note_failure(&pool, failure);
        drop(pool);
        tokio::select! {
            () = sleep(wait) => {}
            // Another attempt has succeeded: there is nothing to wait for.
            () = news => {}
        }
    }
}

fn note_failure<C: Connection>(pool: &Arc<Inner<C>>, failure: BoxError) -> std::time::Duration {
    let now = tooloo_clock::coarse();
    let mut effects = Effects::new();
    let wait = pool.exchange.lock().connect_failed(now, &mut effects);
    pool.carry_out(effects);
    tracing::debug!(
        error = &*failure,
        ?wait,
        "a pool's connection could not be made"
    );
    pool.set_last_failure(Some(failure));
    wait
}

impl<C: Connection> Reservation<C> {
    pub(crate) fn new(pool: &Arc<Inner<C>>) -> Self {
        Self {
            pool: Arc::downgrade(pool),
            settled: false,
        }
    }

    fn is_wanted(&mut self, pool: &Inner<C>) -> bool {
        let mut wanted = true;
        pool.settle(|state| wanted = state.keep_connecting());
        self.settled = !wanted;
        wanted
    }

    fn fulfil(&mut self, pool: &Arc<Inner<C>>, connection: C) {
        self.settled = true;
        pool.set_last_failure(None);
        let now = tooloo_clock::coarse();
        let mut effects = Effects::new();
        pool.exchange
            .lock()
            .connected(connection, now, &mut effects);
        pool.carry_out(effects);
        pool.news.notify_waiters();
    }
}

impl<C: Connection> Drop for Reservation<C> {
    fn drop(&mut self) {
        if !self.settled
            && let Some(pool) = self.pool.upgrade()
        {
            pool.settle(State::stop_connecting);
        }
    }
}

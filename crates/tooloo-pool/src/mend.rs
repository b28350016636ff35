//! Checks, resets and closes connections, each with a deadline.

use std::sync::Arc;

use tokio::time::timeout;

use crate::{
    connection::Connection,
    exchange::CarryOut,
    figures::CloseReason,
    inner::Inner,
    state::{Back, Effects, Failure, Pooled, State},
};

/// A connection in the pool's own hands.
///
/// Dropped, the connection is closed: the runtime ended, or the connection's code panicked.
pub(crate) struct InHand<C: Connection> {
    pool: Arc<Inner<C>>,
    // None once its fate is decided.
    pooled: Option<Box<Pooled<C>>>,
}

/// A closing that the pool's end waits for.
pub(crate) struct Closing<C: Connection> {
    pool: Arc<Inner<C>>,
}

/// Checks a connection and puts it back, or buries it.
pub(crate) async fn check<C: Connection>(mut hand: InHand<C>) {
    let pool = Arc::clone(&hand.pool);
    match pool.check(hand.connection()).await {
        // A check that was cut off before may have left something behind.
        Ok(()) if hand.connection().is_dirty() => reset(hand).await,
        Ok(()) => hand.put(Back::Checked),
        Err(failure) => hand.fail(failure),
    }
}

/// Resets a connection and puts it back, or buries it.
pub(crate) async fn reset<C: Connection>(mut hand: InHand<C>) {
    let limit = hand.pool.times.reset;
    let reset = timeout(limit, hand.connection().reset()).await;
    let connection = hand.connection();
    if connection.is_closed() {
        hand.fail(Failure::Broken);
    } else if matches!(reset, Ok(Ok(()))) && !connection.is_dirty() {
        hand.put(Back::Checked);
    } else {
        // A statement that will not end says nothing of the other connections.
        hand.bury(CloseReason::Unreset);
    }
}

/// Closes a connection that is no longer the pool's.
pub(crate) async fn close<C: Connection>(closing: Closing<C>, connection: C) {
    let limit = closing.pool.times.close;
    // What does not say goodbye in time is dropped.
    let _ = timeout(limit, connection.close()).await;
}

impl<C: Connection> Inner<C> {
    /// Asks the other end whether it is there.
    pub(crate) async fn check(&self, connection: &mut C) -> Result<(), Failure> {
        if connection.is_closed() {
            return Err(Failure::Broken);
        }
        match timeout(self.times.check, connection.check()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Failure::Broken),
            Err(_) => Err(Failure::Silent),
        }
    }
}

impl<C: Connection> InHand<C> {
    pub(crate) fn new(pool: &Arc<Inner<C>>, pooled: Box<Pooled<C>>) -> Self {
        Self {
            pool: Arc::clone(pool),
            pooled: Some(pooled),
        }
    }

    fn connection(&mut self) -> &mut C {
        let pooled = self.pooled.as_mut();
        &mut pooled.expect("its fate is decided once").connection
    }

    fn put(self, back: Back) {
        let now = tooloo_clock::coarse();
        self.decide(|state, pooled, effects| state.put(pooled, back, now, effects));
    }

    fn fail(self, failure: Failure) {
        let now = tooloo_clock::coarse();
        self.decide(|state, pooled, effects| state.fail(*pooled, failure, now, effects));
    }

    fn bury(self, reason: CloseReason) {
        let now = tooloo_clock::coarse();
        self.decide(|state, pooled, effects| state.bury(*pooled, reason, now, effects));
    }

    fn decide(mut self, fate: impl FnOnce(&mut State<C>, Box<Pooled<C>>, &mut Effects<C>)) {
        if let Some(pooled) = self.pooled.take() {
            let mut effects = Effects::new();
            fate(&mut self.pool.exchange.lock(), pooled, &mut effects);
            self.pool.carry_out(effects);
        }
    }
}

impl<C: Connection> Drop for InHand<C> {
    fn drop(&mut self) {
        if let Some(pooled) = self.pooled.take() {
            Self::new(&self.pool, pooled).bury(CloseReason::Lost);
        }
    }
}

impl<C: Connection> Closing<C> {
    pub(crate) fn new(pool: &Arc<Inner<C>>) -> Self {
        Self {
            pool: Arc::clone(pool),
        }
    }
}

impl<C: Connection> Drop for Closing<C> {
    fn drop(&mut self) {
        self.pool.settle(State::closed_one);
    }
}

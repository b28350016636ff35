//! Writers of a database that has one place for them: they wait in line.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use crate::{ErrorKind, QueryError};

/// The line of those who want to write.
///
/// It has a bound, nobody waits in it for longer than a deadline, and nobody overtakes.
#[derive(Debug)]
pub(crate) struct Writers {
    place: Arc<Semaphore>,
    // A place in the line.
    line: Semaphore,
    within: Duration,
}

/// A writer's turn; dropped, the next one has it.
#[derive(Debug)]
pub(crate) struct Turn {
    _place: OwnedSemaphorePermit,
}

impl Writers {
    /// Makes a line of at most so many, each of whom waits for at most so long.
    pub(crate) fn new(most: usize, within: Duration) -> Self {
        Self {
            place: Arc::new(Semaphore::new(1)),
            line: Semaphore::new(most.min(Semaphore::MAX_PERMITS)),
            within,
        }
    }

    /// Waits for a turn; there is none once the line is closed.
    ///
    /// # Errors
    ///
    /// Returns an error where too many wait, or where the deadline passes.
    pub(crate) async fn turn(&self) -> Result<Option<Turn>, QueryError> {
        if let Ok(place) = Arc::clone(&self.place).try_acquire_owned() {
            return Ok(Some(Turn { _place: place }));
        }
        let Ok(_waiting) = self.line.try_acquire() else {
            return Err(QueryError::new(ErrorKind::Busy, "too many writers wait"));
        };
        let place = Arc::clone(&self.place).acquire_owned();
        let Ok(place) = timeout(self.within, place).await else {
            let message = format!("other writers were in the way for {:?}", self.within);
            return Err(QueryError::new(ErrorKind::Busy, message));
        };
        Ok(place.ok().map(|place| Turn { _place: place }))
    }

    /// Lets go of those who wait; what they want to write to is being closed.
    pub(crate) fn close(&self) {
        self.place.close();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt, future::join_all, poll};

    use super::*;

    const WITHIN: Duration = Duration::from_secs(5);

    #[tokio::test(start_paused = true)]
    async fn writers_have_their_turns_in_the_order_they_came() {
        let writers = Writers::new(100, WITHIN);
        let order = std::sync::Mutex::new(Vec::new());
        let one = async |number: usize| {
            let turn = writers.turn().await.unwrap();
            order.lock().unwrap().push(number);
            tokio::time::sleep(Duration::from_millis(1)).await;
            drop(turn);
        };
        join_all((0..50).map(one)).await;
        let order = order.into_inner().unwrap();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_waits_until_its_deadline_and_leaves_the_line() {
        let writers = Writers::new(1, WITHIN);
        let turn = writers.turn().await.unwrap();
        let start = tokio::time::Instant::now();
        let error = writers.turn().await.unwrap_err();
        assert!(error.is_busy() && error.is_retryable(), "{error}");
        assert_eq!(start.elapsed(), WITHIN);
        let mut next = pin!(writers.turn());
        assert!(poll!(&mut next).is_pending(), "the line has a place again");
        drop(turn);
        assert!(next.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn more_than_the_bound_are_refused_at_once() {
        let writers = Writers::new(1, WITHIN);
        let _turn = writers.turn().await.unwrap();
        let mut waiting = pin!(writers.turn());
        assert!(poll!(&mut waiting).is_pending());
        let refused = writers.turn().now_or_never().expect("it does not wait");
        assert!(refused.unwrap_err().is_busy());
    }

    #[tokio::test]
    async fn whoever_goes_away_leaves_the_turn_to_the_next() {
        let writers = Writers::new(9, WITHIN);
        let turn = writers.turn().await.unwrap();
        let mut gone = Box::pin(writers.turn());
        let mut next = pin!(writers.turn());
        assert!(poll!(&mut gone).is_pending() && poll!(&mut next).is_pending());
        drop(turn);
        // By now the turn is the first one's, who never hears of it.
        drop(gone);
        assert!(next.await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_closed_line_keeps_nobody() {
        let writers = Writers::new(9, WITHIN);
        let _turn = writers.turn().await.unwrap();
        let mut waiting = pin!(writers.turn());
        assert!(poll!(&mut waiting).is_pending());
        writers.close();
        assert!(waiting.await.unwrap().is_none());
        assert!(writers.turn().await.unwrap().is_none());
    }
}

//! The way from asking for a connection to having one.

use std::{future::poll_fn, panic::Location, sync::atomic::Ordering};

use tokio::{task, time::timeout};
use tooloo_clock::Moment;
use tooloo_key::Key;

use crate::{
    Connection, Lease, Pool, PoolError, Refusal,
    exchange::{CarryOut, Place},
    state::{Claim, Effects, Given},
};

impl<C: Connection> Pool<C> {
    #[inline]
    pub(crate) async fn acquire(
        &self,
        place: &'static Location<'static>,
        tenant: Option<Key>,
    ) -> Result<Lease<C>, PoolError> {
        // A task that always finds a connection lets others run, as with tokio's own primitives.
        poll_fn(|cx| task::coop::poll_proceed(cx).map(|coop| coop.made_progress())).await;
        let claim = Claim {
            place,
            tenant,
            task: task::try_id(),
        };
        let now = tooloo_clock::coarse();
        let mut effects = Effects::new();
        let given = self.inner.exchange.lock().take(&claim, now, &mut effects);
        self.inner.carry_out(effects);
        let suspect = match given {
            None => None,
            Some(Given { pooled, check }) => {
                let lease = Lease::new(&self.inner, pooled);
                if !check && lease.is_fit() {
                    return Ok(lease);
                }
                if !check {
                    self.inner.exchange.lock().tally.at_once -= 1;
                }
                Some(lease)
            }
        };
        self.acquire_slowly(claim, suspect).await
    }

    async fn acquire_slowly(
        &self,
        claim: Claim,
        suspect: Option<Lease<C>>,
    ) -> Result<Lease<C>, PoolError> {
        let started = Moment::exact();
        let limit = self.inner.times.acquire;
        let mut held_at = None;
        let outcome = timeout(limit, self.wait(&claim, suspect, &mut held_at)).await;
        let waited = Moment::exact().saturating_duration_since(started);
        match outcome {
            Ok(Ok(lease)) => {
                self.inner.waits.record(waited);
                Ok(lease)
            }
            Ok(Err(error)) => {
                self.inner.exchange.lock().tally.refused += 1;
                Err(error.with_waited(waited))
            }
            Err(_) => {
                self.inner.timeouts.fetch_add(1, Ordering::Relaxed);
                let error = PoolError::new(Refusal::TimedOut).with_waited(waited);
                let error = error.with_held_at(held_at);
                Err(error.with_cause(self.inner.last_failure()))
            }
        }
    }

    /// Waits for a connection that is good.
    async fn wait(
        &self,
        claim: &Claim,
        mut suspect: Option<Lease<C>>,
        held_at: &mut Option<&'static Location<'static>>,
    ) -> Result<Lease<C>, PoolError> {
        // Its turn has come where it was given a connection, good or bad.
        let mut at_head = false;
        loop {
            let (mut lease, check) = if let Some(lease) = suspect.take() {
                (lease, true)
            } else {
                let (mut place, nesting) = Place::new(&self.inner, claim.clone(), at_head)?;
                if let Some(nesting) = nesting {
                    *held_at = Some(nesting);
                    self.report_nesting(claim, nesting);
                }
                let given = poll_fn(|cx| place.poll(cx)).await?;
                (Lease::new(&self.inner, given.pooled), given.check)
            };
            if (!check && lease.is_fit()) || lease.prove().await {
                return Ok(lease);
            }
            at_head = true;
        }
    }

    #[cold]
    fn report_nesting(&self, claim: &Claim, held_at: &'static Location<'static>) {
        // The first, the second, the fourth: a program that does it always does not fill its log with it.
        if self.inner.exchange.lock().tally.nested.is_power_of_two() {
            tracing::warn!(
                place = %claim.place,
                %held_at,
                "a task that holds a connection waits for another of the same pool: a full pool stands still by that"
            );
        }
    }
}

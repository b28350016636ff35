//! The way from asking for a connection to having one.

use std::{future::poll_fn, panic::Location, sync::atomic::Ordering};

use tokio::{task, time::timeout};
use tooloo_clock::Moment;
use tooloo_key::Key;

use crate::{
    Connection, Lease, Pool, PoolError, Refusal,
    exchange::{CarryOut, Place},
    state::{Claim, Effects, Entry, Given},
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
        let taken = self.inner.exchange.lock().take_at_once(&claim, now);
        if let Some(pooled) = taken {
            let lease = Lease::new(&self.inner, pooled);
            if lease.is_fit() {
                return Ok(lease);
            }
            self.inner.exchange.lock().tally.at_once -= 1;
            return self.acquire_slowly(claim, Some(lease), now).await;
        }
        self.acquire_slowly(claim, None, now).await
    }

    async fn acquire_slowly(
        &self,
        claim: Claim,
        suspect: Option<Lease<C>>,
        now: Moment,
    ) -> Result<Lease<C>, PoolError> {
        let started = Moment::exact();
        let mut held_at = None;
        let outcome = self.take_or_wait(claim, suspect, now, &mut held_at).await;
        let waited = Moment::exact().saturating_duration_since(started);
        match outcome {
            Ok(lease) => {
                self.inner.waits.record(waited);
                Ok(lease)
            }
            Err(error) if error.refusal() == Refusal::TimedOut => {
                self.inner.timeouts.fetch_add(1, Ordering::Relaxed);
                let error = error.with_waited(waited).with_held_at(held_at);
                Err(error.with_cause(self.inner.last_failure()))
            }
            Err(error) => {
                self.inner.exchange.lock().tally.refused += 1;
                Err(error.with_waited(waited))
            }
        }
    }

    /// Finds a connection that is good: an idle one, or one that is waited for.
    async fn take_or_wait(
        &self,
        claim: Claim,
        mut suspect: Option<Lease<C>>,
        now: Moment,
        held_at: &mut Option<&'static Location<'static>>,
    ) -> Result<Lease<C>, PoolError> {
        let mut entry = Entry {
            claim,
            at_head: false,
            deadline: now + self.inner.times.acquire,
        };
        loop {
            let (lease, check) = if let Some(lease) = suspect.take() {
                (lease, true)
            } else if let Some(given) = self.take(&entry.claim) {
                (Lease::new(&self.inner, given.pooled), given.check)
            } else {
                let mut place = Place::new(&self.inner, entry.clone());
                let mut reported = false;
                let given = poll_fn(|cx| {
                    let polled = place.poll(cx);
                    if let Some(nesting) = place.nesting.filter(|_| !reported) {
                        reported = true;
                        *held_at = Some(nesting);
                        self.report_nesting(&entry.claim, nesting);
                    }
                    polled
                });
                let given = given.await?;
                (Lease::new(&self.inner, given.pooled), given.check)
            };
            if !check && lease.is_fit() {
                return Ok(lease);
            }
            if let Some(lease) = self.prove(lease, entry.deadline).await? {
                return Ok(lease);
            }
            // Its turn has come where it was given a connection, good or bad.
            entry.at_head = true;
        }
    }

    fn take(&self, claim: &Claim) -> Option<Given<C>> {
        let now = tooloo_clock::coarse();
        let mut effects = Effects::new();
        let given = self.inner.exchange.lock().take(claim, now, &mut effects);
        self.inner.carry_out(effects);
        given
    }

    /// Returns the lease where its connection is good.
    async fn prove(
        &self,
        mut lease: Lease<C>,
        deadline: Moment,
    ) -> Result<Option<Lease<C>>, PoolError> {
        let left = deadline.saturating_duration_since(Moment::exact());
        match timeout(left, lease.prove()).await {
            Ok(good) => Ok(good.then_some(lease)),
            // The pool goes on with the check.
            Err(_) => Err(PoolError::new(Refusal::TimedOut)),
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

//! The way from asking for a connection to having one.

mod refusal;

use std::{
    panic::Location,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{task, time::timeout};
use tooloo_clock::Moment;
use tooloo_key::Key;

use crate::{
    Connection, Lease, Pool, PoolError, Refusal,
    exchange::{CarryOut, Place},
    inner::Inner,
    state::{Claim, Effects, Entry, Given, Nesting},
};

/// A connection that is asked for.
///
/// Dropped before it is there, its place and the connection go to whoever is next.
#[must_use = "futures do nothing unless polled"]
pub(crate) struct Acquire<'a, C: Connection> {
    pool: &'a Pool<C>,
    entry: Entry,
    held_at: Nesting,
    stage: Stage<'a, C>,
}

enum Stage<'a, C: Connection> {
    /// Nothing is asked for yet.
    Fresh,
    /// A connection is taken where there is one, and waited for otherwise.
    Asking,
    InLine(Place<'a, C, Arc<Inner<C>>>),
    Proving(Proof<'a, C>),
    Over,
}

/// What comes of a check: the lease where its connection is good.
///
/// Boxed, since the other end answers: beside that an allocation is nothing, and every future would be as large.
type Proof<'a, C> = Pin<Box<dyn Future<Output = Result<Option<Lease<C>>, PoolError>> + Send + 'a>>;

impl<C: Connection> Pool<C> {
    #[inline]
    pub(crate) fn acquire(
        &self,
        place: &'static Location<'static>,
        tenant: Option<Arc<Key>>,
    ) -> Acquire<'_, C> {
        let claim = Claim {
            place,
            tenant,
            task: None,
        };
        let never = Moment::from_nanos(0);
        Acquire {
            pool: self,
            entry: Entry {
                claim,
                at_head: false,
                since: never,
                deadline: never,
            },
            held_at: None,
            stage: Stage::Fresh,
        }
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
}

impl<C: Connection> Future for Acquire<'_, C> {
    type Output = Result<Lease<C>, PoolError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Fresh = self.stage {
            // A task that always finds a connection lets others run, as with tokio's own primitives.
            ready!(task::coop::poll_proceed(cx)).made_progress();
            match self.take_at_once() {
                Some(lease) if lease.is_fit() => {
                    self.stage = Stage::Over;
                    return Poll::Ready(Ok(lease));
                }
                suspect => return self.begin(suspect, cx),
            }
        }
        self.go_on(Moment::exact(), cx)
    }
}

impl<C: Connection> Acquire<'_, C> {
    #[inline]
    fn take_at_once(&mut self) -> Option<Lease<C>> {
        self.entry.claim.task = task::try_id();
        let inner = &self.pool.inner;
        if !inner.exchange.may_have_idle() {
            return None;
        }
        let now = tooloo_clock::coarse();
        let taken = inner.exchange.lock().take_at_once(&self.entry.claim, now);
        taken.map(|pooled| Lease::new(inner, pooled))
    }

    fn begin(
        &mut self,
        suspect: Option<Lease<C>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Lease<C>, PoolError>> {
        let inner = &self.pool.inner;
        let now = Moment::exact();
        self.entry.since = now;
        self.entry.deadline = now + inner.times.acquire;
        match suspect {
            Some(lease) => {
                inner.exchange.lock().tally.at_once -= 1;
                self.prove(lease);
            }
            None if inner.exchange.may_have_idle() => self.stage = Stage::Asking,
            None => self.stage = Stage::InLine(Place::new(inner)),
        }
        self.go_on(now, cx)
    }

    /// Finds a connection that is good: an idle one, or one that is waited for.
    fn go_on(
        &mut self,
        mut now: Moment,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Lease<C>, PoolError>> {
        loop {
            let outcome = match &mut self.stage {
                Stage::Asking => {
                    let Some(given) = self.take(now) else {
                        self.stage = Stage::InLine(Place::new(&self.pool.inner));
                        continue;
                    };
                    Ok(given)
                }
                Stage::InLine(place) => {
                    let polled = place.poll(&self.entry, now, cx);
                    if let Some(nesting) = place.nesting.take() {
                        self.report_nesting(nesting);
                    }
                    ready!(polled)
                }
                Stage::Proving(proof) => {
                    let proven = ready!(proof.as_mut().poll(cx));
                    now = Moment::exact();
                    match proven {
                        Ok(Some(lease)) => {
                            return Poll::Ready(Ok(self.served(lease, now)));
                        }
                        Ok(None) => {
                            // Its turn has come where it was given a connection, good or bad.
                            self.entry.at_head = true;
                            self.stage = Stage::Asking;
                            continue;
                        }
                        Err(error) => Err(error),
                    }
                }
                Stage::Fresh | Stage::Over => panic!("it is polled until there is an outcome"),
            };
            match outcome {
                Ok(given) => {
                    let lease = Lease::new(&self.pool.inner, given.pooled);
                    if !given.check && lease.is_fit() {
                        return Poll::Ready(Ok(self.served(lease, now)));
                    }
                    self.prove(lease);
                }
                Err(error) => return Poll::Ready(Err(self.refused(error, now))),
            }
        }
    }

    fn take(&self, now: Moment) -> Option<Given<C>> {
        let inner = &self.pool.inner;
        if !inner.exchange.may_have_idle() {
            return None;
        }
        let mut effects = Effects::new();
        let mut state = inner.exchange.lock();
        let given = state.take(&self.entry, now, &mut effects);
        drop(state);
        inner.carry_out(effects);
        given
    }

    /// Ends the wait, which is counted.
    #[inline]
    fn served(&mut self, lease: Lease<C>, now: Moment) -> Lease<C> {
        let waited = now.saturating_duration_since(self.entry.since);
        self.pool.inner.waits.record(waited);
        self.stage = Stage::Over;
        lease
    }

    #[cold]
    fn prove(&mut self, lease: Lease<C>) {
        let proof = self.pool.prove(lease, self.entry.deadline);
        self.stage = Stage::Proving(Box::pin(proof));
    }
}

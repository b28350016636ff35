//! The breaker itself, for any future: no tower, no HTTP.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::sync::watch;
use tooloo_clock::Moment;

use crate::{
    AnyError, CircuitBreakerConfig, CircuitBreakerError, CircuitBreakerHandle, Classify, Control,
    Permit, Refused, StateChange, Status,
    figures::Figures,
    gate::{Change, Gate, Ticket, Word},
    permit::Guard,
};

/// The most that [`tooloo_clock::coarse`] lags behind.
const LAG: Duration = Duration::from_millis(10);

/// Stops calling what fails, and finds out when it works again.
///
/// Closed, it lets calls through and watches their results. When too many of the recent ones failed or were
/// slow it opens, and refuses calls. After a while it is half-open: a few calls go through as
/// probes, and what becomes of them closes or reopens it.
///
/// Clones share all of it.
#[derive(Clone, Debug)]
pub struct CircuitBreaker {
    inner: Arc<Inner>,
}

/// What clones and permits share.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) gate: Gate,
    pub(crate) figures: Figures,
    pub(crate) state: watch::Sender<StateChange>,
}

impl CircuitBreaker {
    /// Creates a closed breaker.
    pub fn new(config: CircuitBreakerConfig) -> Self {
        let never_changed = StateChange {
            number: 0,
            status: Status::Closed,
            previous: None,
            cause: None,
            time: None,
        };
        let inner = Inner {
            gate: Gate::new(config),
            figures: Figures::new(),
            state: watch::Sender::new(never_changed),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Awaits `call` where the breaker lets it through; each error is a failure.
    ///
    /// Dropped before it is done, the call counts neither as a success nor as a failure.
    ///
    /// # Errors
    ///
    /// Returns the call's own error, or [`Refused`] where the breaker does not let it through: then
    /// `call` has not been polled.
    pub async fn call<F, T, E>(&self, call: F) -> Result<T, CircuitBreakerError<E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        self.call_with(&AnyError, call).await
    }

    /// Awaits `call` where the breaker lets it through, and tells by `classify` what its result counts as.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call) does.
    pub async fn call_with<C, F, T, E>(
        &self,
        classify: &C,
        call: F,
    ) -> Result<T, CircuitBreakerError<E>>
    where
        C: Classify<T, E>,
        F: Future<Output = Result<T, E>>,
    {
        let mut guard = Guard::new(&*self.inner, self.admit()?);
        let result = call.await;
        guard.record(classify.classify(&result));
        result.map_err(CircuitBreakerError::Inner)
    }

    /// Lets one call through, whose result is to be recorded with the permit.
    ///
    /// # Errors
    ///
    /// Returns [`Refused`] where the breaker is open, or half-open with all its probes under way.
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit, Refused> {
        let ticket = self.admit()?;
        Ok(Permit::new(Arc::clone(&self.inner), ticket))
    }

    /// Tells the breaker what to do, for an operator.
    ///
    /// Calls under way are left alone; what becomes of them counts no more.
    pub fn set(&self, control: Control) {
        let change = self.inner.gate.set(control, Moment::exact());
        self.inner.publish(change);
    }

    /// Returns the present state.
    ///
    /// Time alone changes nothing: a breaker whose open time is over is open until the next call.
    pub fn status(&self) -> Status {
        self.inner.gate.word().status()
    }

    /// Follows the changes of state, beginning with the present state.
    ///
    /// A slow follower sees the latest change only; [`StateChange::number`] tells how many there were.
    pub fn subscribe(&self) -> watch::Receiver<StateChange> {
        self.inner.state.subscribe()
    }

    /// Returns a read-only view, to keep when the breaker moves into a stack.
    pub fn handle(&self) -> CircuitBreakerHandle {
        CircuitBreakerHandle::new(Arc::clone(&self.inner))
    }

    /// Returns the refusal that any call would get now, without counting one.
    #[inline]
    pub(crate) fn refusal(&self) -> Option<Refused> {
        self.glance()?.err().map(Refused::new)
    }

    #[inline(never)]
    pub(crate) fn count_refused(&self) {
        self.inner.figures.reject();
    }

    /// Returns whether nobody else holds on to the breaker by a clone or a permit, or follows it.
    pub(crate) fn is_unused(&self) -> bool {
        Arc::strong_count(&self.inner) == 1 && self.inner.state.receiver_count() == 0
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.inner
    }

    #[inline]
    fn admit(&self) -> Result<Ticket, Refused> {
        match self.inner.gate.word().ticket() {
            Some(ticket) => Ok(ticket),
            None => self.admit_or_count(),
        }
    }

    #[inline(never)]
    fn admit_or_count(&self) -> Result<Ticket, Refused> {
        let decided = self.glance().unwrap_or_else(|| {
            let (decided, change) = self.inner.gate.ask(Moment::exact());
            self.inner.publish(change);
            decided
        });
        decided.map_err(|word| {
            self.count_refused();
            Refused::new(word)
        })
    }

    /// Decides about a call by the coarse clock, where that can tell.
    #[inline]
    fn glance(&self) -> Option<Result<Ticket, Word>> {
        // A refusal must not outlast the open time: near its end only an exact reading can tell.
        self.inner.gate.glance(|| tooloo_clock::coarse() + LAG)
    }
}

impl Inner {
    /// Makes a change known; outside of the gate's lock, since followers are woken.
    pub(crate) fn publish(&self, change: Option<Change>) {
        if let Some(change) = change {
            self.publish_change(change);
        }
    }

    #[cold]
    fn publish_change(&self, change: Change) {
        self.figures.change(change.to);
        let next = StateChange {
            number: change.number,
            status: change.to,
            previous: Some(change.from),
            cause: Some(change.cause),
            time: Timestamp::try_from(tooloo_clock::wall()).ok(),
        };
        self.state.send_if_modified(|last| {
            // Whoever made a later change may have been here before.
            let newer = last.number < next.number;
            if newer {
                *last = next;
            }
            newer
        });
    }
}

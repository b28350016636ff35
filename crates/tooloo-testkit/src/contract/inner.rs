//! The service that a probed layer wraps: scripted, and watching what is done to it.

use std::{
    error, fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use tower_service::Service;

/// The innermost service of a probe.
///
/// A clone starts unready, as tower asks of every service. Calling an instance that was not
/// polled ready is noted as a breach.
pub struct Inner<Req, Res> {
    ready: bool,
    answer: Arc<dyn Fn() -> Res + Send + Sync>,
    script: Script,
    request: PhantomData<fn(Req)>,
}

/// Response future of [`Inner`].
pub struct InnerFuture<Res> {
    pending: usize,
    result: Option<Result<Res, Broken>>,
    script: Script,
}

/// The error of [`Inner`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Broken;

/// What the probe asks of [`Inner`] and sees in it; clones share it.
#[derive(Clone, Debug)]
pub(super) struct Script(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    readiness: Readiness,
    outcome: Outcome,
    waiting: Option<Waker>,
    calls: usize,
    in_flight: usize,
    breaches: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Readiness {
    Ready,
    Busy,
    Dead,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    AnswerAfter(usize),
    Fail,
}

impl<Req, Res> Inner<Req, Res> {
    pub(super) fn new(
        answer: Arc<dyn Fn() -> Res + Send + Sync>,
        readiness: Readiness,
        outcome: Outcome,
    ) -> (Self, Script) {
        let script = Script(Arc::new(Mutex::new(State {
            readiness,
            outcome,
            waiting: None,
            calls: 0,
            in_flight: 0,
            breaches: 0,
        })));
        let inner = Self {
            ready: false,
            answer,
            script: script.clone(),
            request: PhantomData,
        };
        (inner, script)
    }
}

impl Script {
    pub(super) fn set_readiness(&self, readiness: Readiness) {
        let waiting = {
            let mut state = self.lock();
            state.readiness = readiness;
            state.waiting.take()
        };
        if let Some(waker) = waiting {
            waker.wake();
        }
    }

    pub(super) fn calls(&self) -> usize {
        self.lock().calls
    }

    pub(super) fn in_flight(&self) -> usize {
        self.lock().in_flight
    }

    pub(super) fn assert_lawful(&self) {
        let breaches = self.lock().breaches;
        assert_eq!(
            breaches, 0,
            "an inner instance was called that had not been polled ready"
        );
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Req, Res> Clone for Inner<Req, Res> {
    fn clone(&self) -> Self {
        Self {
            ready: false,
            answer: Arc::clone(&self.answer),
            script: self.script.clone(),
            request: PhantomData,
        }
    }
}

impl<Req, Res> Service<Req> for Inner<Req, Res> {
    type Response = Res;
    type Error = Broken;
    type Future = InnerFuture<Res>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let mut state = self.script.lock();
        match state.readiness {
            Readiness::Ready => {
                self.ready = true;
                Poll::Ready(Ok(()))
            }
            Readiness::Busy => {
                state.waiting = Some(cx.waker().clone());
                Poll::Pending
            }
            Readiness::Dead => Poll::Ready(Err(Broken)),
        }
    }

    fn call(&mut self, _: Req) -> InnerFuture<Res> {
        let mut state = self.script.lock();
        if !self.ready {
            state.breaches += 1;
        }
        self.ready = false;
        state.calls += 1;
        state.in_flight += 1;
        let (pending, result) = match state.outcome {
            Outcome::AnswerAfter(polls) => (polls, Ok((self.answer)())),
            Outcome::Fail => (0, Err(Broken)),
        };
        InnerFuture {
            pending,
            result: Some(result),
            script: self.script.clone(),
        }
    }
}

// Nothing in it is pinned.
impl<Res> Unpin for InnerFuture<Res> {}

impl<Res> Future for InnerFuture<Res> {
    type Output = Result<Res, Broken>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.pending > 0 {
            self.pending -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(self.result.take().expect("polled after it was done"))
    }
}

impl<Res> Drop for InnerFuture<Res> {
    fn drop(&mut self) {
        self.script.lock().in_flight -= 1;
    }
}

impl<Req, Res> fmt::Debug for Inner<Req, Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("ready", &self.ready)
            .finish_non_exhaustive()
    }
}

impl<Res> fmt::Debug for InnerFuture<Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InnerFuture")
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the inner service is broken")
    }
}

impl error::Error for Broken {}

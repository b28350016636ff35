//! A gate that calls wait at until the test opens it.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{sync::watch, time::timeout};
use tower_service::Service;

const PATIENCE: Duration = Duration::from_secs(10);

/// Holds back whoever passes it while it is shut, and counts who stands before it.
///
/// Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate {
    state: Arc<watch::Sender<State>>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    open: bool,
    waiting: usize,
    passed: usize,
}

impl Gate {
    /// Creates a gate that is shut.
    pub fn shut() -> Self {
        Self::new(false)
    }

    /// Creates a gate that is open.
    pub fn opened() -> Self {
        Self::new(true)
    }

    /// Lets everyone pass, those who wait and those who come.
    pub fn open(&self) {
        self.state.send_modify(|state| state.open = true);
    }

    /// Holds back whoever comes from now on.
    pub fn close(&self) {
        self.state.send_modify(|state| state.open = false);
    }

    /// Passes the gate, waiting until it is open.
    pub async fn pass(&self) {
        let mut changes = self.state.subscribe();
        let waiting = Waiting::new(&self.state);
        // It errs where the gate is gone, and this borrow keeps it.
        drop(changes.wait_for(|state| state.open).await);
        drop(waiting);
        self.state.send_modify(|state| state.passed += 1);
    }

    /// Waits until `count` calls stand before the gate.
    ///
    /// # Panics
    ///
    /// Panics where they do not arrive within ten seconds.
    pub async fn wait_for(&self, count: usize) {
        let mut changes = self.state.subscribe();
        let arrived = timeout(PATIENCE, changes.wait_for(|state| state.waiting >= count)).await;
        assert!(
            arrived.is_ok(),
            "{} of {count} calls arrived at the gate",
            self.waiting()
        );
    }

    /// Returns how many calls stand before the gate; cancelled ones have left.
    pub fn waiting(&self) -> usize {
        self.state.borrow().waiting
    }

    /// Returns how many calls have passed.
    pub fn passed(&self) -> usize {
        self.state.borrow().passed
    }

    fn new(open: bool) -> Self {
        let (state, _) = watch::channel(State {
            open,
            waiting: 0,
            passed: 0,
        });
        Self {
            state: Arc::new(state),
        }
    }
}

struct Waiting<'a>(&'a watch::Sender<State>);

impl<'a> Waiting<'a> {
    fn new(state: &'a watch::Sender<State>) -> Self {
        state.send_modify(|state| state.waiting += 1);
        Self(state)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|state| state.waiting -= 1);
    }
}

/// An in-process upstream: every call passes a [`Gate`] and is then answered by a function.
#[derive(Clone, Debug)]
pub struct GatedService<F> {
    gate: Gate,
    answer: F,
}

impl<F> GatedService<F> {
    /// Creates an upstream that answers with what `answer` makes of the request.
    pub fn new(gate: Gate, answer: F) -> Self {
        Self { gate, answer }
    }
}

impl<F, Req, Res> Service<Req> for GatedService<F>
where
    F: Fn(Req) -> Res + Clone + Send + 'static,
    Req: Send + 'static,
    Res: 'static,
{
    type Response = Res;
    type Error = Infallible;
    // Boxed: it is for tests, where the name of the future is no one's concern.
    type Future = Pin<Box<dyn Future<Output = Result<Res, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let Self { gate, answer } = self.clone();
        Box::pin(async move {
            gate.pass().await;
            Ok(answer(request))
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio_test::{assert_pending, assert_ready, task};

    use super::*;

    #[tokio::test]
    async fn holds_a_call_until_it_opens() {
        let gate = Gate::shut();
        let mut upstream = GatedService::new(gate.clone(), |n: u8| n + 1);
        let mut call = task::spawn(upstream.call(1));
        assert_pending!(call.poll());
        gate.wait_for(1).await;
        gate.open();
        assert!(call.is_woken());
        assert_eq!(assert_ready!(call.poll()), Ok(2));
        assert_eq!((gate.waiting(), gate.passed()), (0, 1));
    }

    #[tokio::test]
    async fn forgets_a_cancelled_call() {
        let gate = Gate::shut();
        let mut call = task::spawn(gate.pass());
        assert_pending!(call.poll());
        assert_eq!(gate.waiting(), 1);
        drop(call);
        assert_eq!((gate.waiting(), gate.passed()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    #[should_panic(expected = "0 of 1 calls arrived")]
    async fn fails_where_nobody_comes() {
        Gate::shut().wait_for(1).await;
    }
}

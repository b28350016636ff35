//! Tower's laws, as probes that any layer can be put through.
//!
//! ```
//! use tooloo_testkit::Contract;
//! use tower_layer::Identity;
//!
//! let contract = Contract::new(Identity::new, || "request", || "answer");
//! contract.polls_and_calls_one_instance();
//! contract.clones_start_unready();
//! contract.waits_while_the_inner_service_is_busy();
//! contract.passes_errors();
//! contract.passes_readiness_errors();
//! contract.leaves_nothing_in_flight(|_layer| 0);
//! ```

mod errors;
mod inner;

use std::{fmt, sync::Arc, task::Poll};

use tokio_test::{assert_ready, task};
use tower_layer::Layer;
use tower_service::Service;

pub use self::inner::{Broken, Inner, InnerFuture};
use self::inner::{Outcome, Readiness, Script};

/// How often the inner service's future is polled before it answers.
const AWAITS: usize = 3;

/// A layer, and what it takes to drive it.
///
/// Every probe wraps a fresh [`Inner`] in a fresh layer and panics, naming the law, where the
/// wrapped service breaks it. Run them inside a runtime if the layer needs one.
#[must_use = "a contract does nothing until a probe is called"]
pub struct Contract<L, Req, Res> {
    layer: Box<dyn Fn() -> L>,
    request: Box<dyn Fn() -> Req>,
    answer: Arc<dyn Fn() -> Res + Send + Sync>,
}

impl<L, Req, Res> Contract<L, Req, Res> {
    /// Describes a layer by a way to make it, a request, and the inner service's answer.
    pub fn new(
        layer: impl Fn() -> L + 'static,
        request: impl Fn() -> Req + 'static,
        answer: impl Fn() -> Res + Send + Sync + 'static,
    ) -> Self {
        Self {
            layer: Box::new(layer),
            request: Box::new(request),
            answer: Arc::new(answer),
        }
    }

    fn inner(&self, readiness: Readiness, outcome: Outcome) -> (Inner<Req, Res>, Script) {
        Inner::new(Arc::clone(&self.answer), readiness, outcome)
    }
}

impl<L, Req, Res> Contract<L, Req, Res>
where
    L: Layer<Inner<Req, Res>>,
    L::Service: Service<Req> + Clone,
    <L::Service as Service<Req>>::Error: fmt::Debug,
{
    /// Probes that the service polls the inner one ready before each call, and calls that very instance.
    ///
    /// A service that moves a clone into its future, and calls it there, breaks this law: the
    /// readiness it was granted belongs to the instance it left behind.
    pub fn polls_and_calls_one_instance(&self) {
        let (inner, script) = self.inner(Readiness::Ready, Outcome::AnswerAfter(AWAITS));
        let mut service = (self.layer)().layer(inner);
        for call in 1..=3 {
            self.drive(&mut service);
            script.assert_lawful();
            assert_eq!(
                script.calls(),
                call,
                "the request did not reach the inner service once"
            );
        }
        // As a server does: a clone is polled and called, its origin stays.
        for _ in 0..2 {
            let mut clone = service.clone();
            self.drive(&mut clone);
            script.assert_lawful();
        }
    }

    /// Probes that a clone starts without the readiness of its origin, which keeps it.
    pub fn clones_start_unready(&self) {
        let (inner, script) = self.inner(Readiness::Ready, Outcome::AnswerAfter(0));
        let mut service = (self.layer)().layer(inner);
        poll_ready(&mut service);
        let mut clone = service.clone();
        script.set_readiness(Readiness::Busy);
        let busy = task::spawn(()).enter(|cx, _| clone.poll_ready(cx).is_pending());
        assert!(busy, "a clone is ready although the inner service is not");
        // The origin spends the readiness it was granted before it was cloned.
        self.call(&mut service);
        script.set_readiness(Readiness::Ready);
        self.drive(&mut clone);
        script.assert_lawful();
    }

    /// Probes that the service is not ready while the inner one is busy, and wakes when that ends.
    pub fn waits_while_the_inner_service_is_busy(&self) {
        let (inner, script) = self.inner(Readiness::Busy, Outcome::AnswerAfter(0));
        let mut service = (self.layer)().layer(inner);
        let mut waiting = task::spawn(());
        let busy = waiting.enter(|cx, _| service.poll_ready(cx).is_pending());
        assert!(busy, "ready over a busy inner service");
        script.set_readiness(Readiness::Ready);
        assert!(
            waiting.is_woken(),
            "nobody is told that the inner service is ready again"
        );
        self.drive(&mut service);
        script.assert_lawful();
    }

    /// Probes that dropping the response future, at any of its awaits, leaves nothing in flight.
    ///
    /// `in_flight` reads the layer's own count of unfinished calls; zero where it keeps none.
    pub fn leaves_nothing_in_flight(&self, in_flight: impl Fn(&L) -> usize) {
        for polls in 0..=AWAITS + 1 {
            let (inner, script) = self.inner(Readiness::Ready, Outcome::AnswerAfter(AWAITS));
            let layer = (self.layer)();
            let mut service = layer.layer(inner);
            poll_ready(&mut service);
            let mut call = task::spawn(service.call((self.request)()));
            for _ in 0..polls {
                if call.poll().is_ready() {
                    break;
                }
            }
            drop(call);
            let law = format!("a response future dropped after {polls} polls");
            assert_eq!(
                script.in_flight(),
                0,
                "{law} left the inner service at work"
            );
            assert_eq!(in_flight(&layer), 0, "{law} still counts as in flight");
            script.assert_lawful();
        }
    }

    fn drive(&self, service: &mut L::Service) {
        poll_ready(service);
        self.call(service);
    }

    fn call(&self, service: &mut L::Service) {
        let mut call = task::spawn(service.call((self.request)()));
        for _ in 0..=AWAITS {
            if let Poll::Ready(result) = call.poll() {
                assert!(result.is_ok(), "the inner answer became {:?}", result.err());
                return;
            }
        }
        panic!("no answer although the inner service gave one");
    }
}

impl<L, Req, Res> fmt::Debug for Contract<L, Req, Res> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contract").finish_non_exhaustive()
    }
}

fn poll_ready<S, Req>(service: &mut S)
where
    S: Service<Req>,
    S::Error: fmt::Debug,
{
    task::spawn(()).enter(|cx, _| {
        let ready = assert_ready!(service.poll_ready(cx), "pending over a ready inner service");
        ready.expect("ready, as the inner service is");
    });
}

#[cfg(test)]
mod tests;

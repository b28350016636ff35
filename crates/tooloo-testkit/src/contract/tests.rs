//! Each probe passes a lawful service and fails one that breaks its law.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use tower_layer::{Identity, layer_fn};

use super::*;

type Boxed<T, E> = Pin<Box<dyn Future<Output = Result<T, E>>>>;

#[derive(Clone)]
enum Flaw {
    CallsAClone,
    IgnoresReadiness,
    LeavesWorkBehind,
    CountsForEver(Arc<AtomicUsize>),
}

#[derive(Clone)]
struct Flawed<S> {
    inner: S,
    flaw: Flaw,
}

impl<S> Service<()> for Flawed<S>
where
    S: Service<(), Error = Broken> + Clone + 'static,
{
    type Response = S::Response;
    type Error = Broken;
    type Future = Boxed<S::Response, Broken>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        match self.flaw {
            Flaw::IgnoresReadiness => Poll::Ready(Ok(())),
            _ => self.inner.poll_ready(cx),
        }
    }

    fn call(&mut self, (): ()) -> Self::Future {
        match &self.flaw {
            Flaw::CallsAClone => {
                let mut clone = self.inner.clone();
                Box::pin(async move { clone.call(()).await })
            }
            Flaw::LeavesWorkBehind => {
                let call = Box::leak(Box::new(Box::pin(self.inner.call(()))));
                Box::pin(call)
            }
            Flaw::CountsForEver(count) => {
                count.fetch_add(1, Ordering::Relaxed);
                Box::pin(self.inner.call(()))
            }
            Flaw::IgnoresReadiness => Box::pin(self.inner.call(())),
        }
    }
}

/// Replaces every error of the inner service.
#[derive(Clone)]
struct Replaced<S>(S);

impl<S: Service<(), Error = Broken>> Service<()> for Replaced<S>
where
    S::Future: 'static,
{
    type Response = S::Response;
    type Error = fmt::Error;
    type Future = Boxed<S::Response, fmt::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), fmt::Error>> {
        self.0.poll_ready(cx).map_err(|Broken| fmt::Error)
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let call = self.0.call(());
        Box::pin(async move { call.await.map_err(|Broken| fmt::Error) })
    }
}

macro_rules! flawed {
    ($flaw:expr) => {
        Contract::new(
            || layer_fn(|inner| Flawed { inner, flaw: $flaw }),
            || (),
            || "answer",
        )
    };
}

#[test]
fn a_lawful_layer_passes_every_probe() {
    let contract = Contract::new(Identity::new, || (), || "answer");
    contract.polls_and_calls_one_instance();
    contract.clones_start_unready();
    contract.waits_while_the_inner_service_is_busy();
    contract.passes_errors();
    contract.passes_readiness_errors();
    contract.keeps_errors();
    contract.keeps_readiness_errors();
    contract.leaves_nothing_in_flight(|_| 0);
}

#[test]
#[should_panic(expected = "had not been polled ready")]
fn a_call_of_a_moved_clone_is_found() {
    flawed!(Flaw::CallsAClone).polls_and_calls_one_instance();
}

#[test]
#[should_panic(expected = "had not been polled ready")]
fn a_call_without_readiness_is_found() {
    flawed!(Flaw::IgnoresReadiness).polls_and_calls_one_instance();
}

#[test]
#[should_panic(expected = "a clone is ready")]
fn a_clone_that_needs_no_readiness_is_found() {
    flawed!(Flaw::IgnoresReadiness).clones_start_unready();
}

#[test]
#[should_panic(expected = "ready over a busy")]
fn readiness_over_a_busy_service_is_found() {
    flawed!(Flaw::IgnoresReadiness).waits_while_the_inner_service_is_busy();
}

#[test]
#[should_panic(expected = "is ready")]
fn a_swallowed_readiness_error_is_found() {
    flawed!(Flaw::IgnoresReadiness).passes_readiness_errors();
}

#[test]
#[should_panic(expected = "left the inner service at work")]
fn work_left_behind_is_found() {
    flawed!(Flaw::LeavesWorkBehind).leaves_nothing_in_flight(|_| 0);
}

#[test]
#[should_panic(expected = "still counts as in flight")]
fn a_count_that_stays_is_found() {
    let count = Arc::new(AtomicUsize::new(0));
    let layers = Arc::clone(&count);
    let contract = Contract::new(
        move || {
            let flaw = Flaw::CountsForEver(Arc::clone(&layers));
            layer_fn(move |inner| Flawed {
                inner,
                flaw: flaw.clone(),
            })
        },
        || (),
        || "answer",
    );
    contract.leaves_nothing_in_flight(move |_| count.load(Ordering::Relaxed));
}

#[test]
#[should_panic(expected = "the inner error was lost")]
fn a_lost_error_is_found() {
    Contract::new(|| layer_fn(Replaced), || (), || "answer").keeps_errors();
}

#[test]
#[should_panic(expected = "the readiness error was lost")]
fn a_lost_readiness_error_is_found() {
    Contract::new(|| layer_fn(Replaced), || (), || "answer").keeps_readiness_errors();
}

//! Calls through circuit breakers around a service that does nothing.

use std::{
    future::{Ready, poll_fn, ready},
    hint::black_box,
    task::{Context, Poll},
    time::Duration,
};

use tokio::runtime::Builder;
use tooloo_circuit_breaker::{CircuitBreaker, CircuitBreakerConfig, CircuitBreakerLayer, Status};
use tower::Layer as _;
use tower_resilience::circuitbreaker::{
    CircuitBreakerLayer as PeerLayer, CircuitState as PeerState,
};
use tower_service::Service;

use super::Job;

/// How long an open breaker stays open: longer than any benchmark takes.
const OPEN_FOR: Duration = Duration::from_secs(3600);

/// So many failures open any breaker.
const FAILURES: usize = 1000;

/// The state that a breaker is in while it is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Breaker {
    /// Each call reaches the service, which succeeds.
    Closed,
    /// Each call is refused.
    Open,
}

/// A service that is always ready, and answers at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bare {
    pub(crate) fails: bool,
}

/// What a failing one fails with.
#[derive(Debug)]
pub(crate) struct Failed;

impl Breaker {
    /// Calls through our layer.
    ///
    /// # Panics
    ///
    /// Panics where the breaker does not come into its state.
    pub fn ours(self, calls: usize) -> Job {
        let breaker = CircuitBreaker::new(CircuitBreakerConfig::new().with_open_for(OPEN_FOR));
        let service = CircuitBreakerLayer::new(breaker.clone()).layer(self.inner());
        let job = after_failures(service, calls);
        let status = match self {
            Self::Closed => Status::Closed,
            Self::Open => Status::Open,
        };
        assert_eq!(breaker.status(), status);
        job
    }

    /// Calls through tower-resilience's layer, with the same settings: its defaults are ours.
    ///
    /// # Panics
    ///
    /// Panics where the breaker does not come into its state.
    pub fn theirs(self, calls: usize) -> Job {
        let builder = PeerLayer::builder()
            .minimum_number_of_calls(10)
            .wait_duration_in_open(OPEN_FOR);
        let (layer, handle) = builder.build_with_handle().expect("the settings are valid");
        let job = after_failures(layer.layer_fn(self.inner()), calls);
        let state = match self {
            Self::Closed => PeerState::Closed,
            Self::Open => PeerState::Open,
        };
        assert_eq!(handle.state(), state);
        job
    }

    fn inner(self) -> Bare {
        Bare {
            fails: self == Self::Open,
        }
    }
}

/// Calls the service with nothing around it.
pub fn bare(calls: usize) -> Job {
    drive(Bare { fails: false }, calls)
}

/// Calls a service after so many calls that one which fails has its breaker open.
fn after_failures<S: Service<u64> + Clone + 'static>(service: S, calls: usize) -> Job {
    drive(service.clone(), FAILURES).run();
    drive(service, calls)
}

/// Calls a service over and over, as tower wants it called.
pub(crate) fn drive<S: Service<u64> + 'static>(mut service: S, calls: usize) -> Job {
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a timer needs nothing of the system");
    Job::new(calls, move || {
        runtime.block_on(async {
            for number in 0..calls as u64 {
                // A breaker's refusal is no reason to stop.
                let _ = black_box(poll_fn(|cx| service.poll_ready(cx)).await.is_ok());
                let _ = black_box(service.call(black_box(number)).await.is_ok());
            }
        });
    })
}

impl Service<u64> for Bare {
    type Response = u64;
    type Error = Failed;
    type Future = Ready<Result<u64, Failed>>;

    #[inline]
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Failed>> {
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, number: u64) -> Self::Future {
        ready(if self.fails { Err(Failed) } else { Ok(number) })
    }
}

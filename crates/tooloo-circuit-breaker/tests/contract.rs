//! Tower's laws, for one breaker, one per key, and by status.

use std::{num::NonZeroU32, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use tooloo_circuit_breaker::{
    Backoff, CircuitBreaker, CircuitBreakerConfig, CircuitBreakerLayer, CircuitBreakers,
    CircuitBreakersConfig, Outcome, Status,
};
use tooloo_hub::Observe;
use tooloo_key::Key;
use tooloo_testkit::Contract;

fn breaker() -> CircuitBreaker {
    CircuitBreaker::new(CircuitBreakerConfig::new())
}

macro_rules! keeps_towers_laws {
    ($layer:expr, $request:expr, $answer:expr) => {
        let contract = Contract::new($layer, $request, $answer);
        contract.polls_and_calls_one_instance();
        contract.clones_start_unready();
        contract.waits_while_the_inner_service_is_busy();
        contract.keeps_errors();
        contract.keeps_readiness_errors();
        contract.leaves_nothing_in_flight(|_| 0);
    };
}

#[test]
fn one_breaker_keeps_towers_laws() {
    keeps_towers_laws!(|| CircuitBreakerLayer::new(breaker()), || (), || "answer");
}

#[test]
fn a_breaker_for_each_key_keeps_towers_laws() {
    let layer = || {
        let breakers = CircuitBreakers::new(CircuitBreakersConfig::default());
        CircuitBreakerLayer::keyed(breakers, |request: &&str| Some(Key::from(*request)))
    };
    keeps_towers_laws!(layer, || "key", || "answer");
}

#[test]
fn a_breaker_by_status_keeps_towers_laws() {
    let layer = || CircuitBreakerLayer::new(breaker()).by_status();
    keeps_towers_laws!(layer, || Request::new(()), || Response::new(Bytes::new()));
}

#[test]
fn a_half_open_breaker_has_no_probe_in_flight_when_its_call_is_dropped() {
    let breaker = half_open();
    let handle = breaker.handle();
    let layer = move || CircuitBreakerLayer::new(breaker.clone());
    Contract::new(layer, || (), || "answer")
        .leaves_nothing_in_flight(move |_| handle.snapshot().probes);
}

/// Returns a breaker that is half-open and takes many probes to decide.
fn half_open() -> CircuitBreaker {
    let config = CircuitBreakerConfig::new()
        .with_consecutive_failures(NonZeroU32::new(1))
        .with_open_for(Duration::ZERO)
        .with_backoff(Backoff::new(1.0, Duration::ZERO, 0.0).expect("a valid back-off"))
        .with_probes(NonZeroU32::new(100).expect("100 is not 0"));
    let breaker = CircuitBreaker::new(config);
    let permit = breaker.try_acquire().expect("a closed breaker");
    permit.record(Outcome::FAILURE);
    drop(breaker.try_acquire().expect("the open time is over"));
    assert_eq!(breaker.status(), Status::HalfOpen);
    breaker
}

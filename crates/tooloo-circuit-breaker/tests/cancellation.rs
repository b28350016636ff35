//! Probes never leak: whatever callers do with their calls, every place comes back.

use std::{num::NonZeroU32, time::Duration};

use tokio::{task::JoinSet, time};
use tooloo_circuit_breaker::{
    Backoff, CircuitBreaker, CircuitBreakerConfig, CircuitBreakerLayer, Status,
};
use tooloo_hub::Observe;
use tower::{Layer, ServiceExt, service_fn};

const PROBES: u32 = 3;
const OPEN_FOR: Duration = Duration::from_millis(20);
const PROBE_TIMEOUT: Duration = Duration::from_millis(50);

fn breaker(seed: u64) -> CircuitBreaker {
    let config = CircuitBreakerConfig::new()
        .with_consecutive_failures(NonZeroU32::new(2))
        .with_open_for(OPEN_FOR)
        .with_backoff(Backoff::new(1.0, OPEN_FOR, 0.0).expect("a valid back-off"))
        .with_probes(NonZeroU32::new(PROBES).expect("it is not 0"))
        .with_probe_timeout(PROBE_TIMEOUT)
        .with_seed(seed);
    CircuitBreaker::new(config)
}

/// Calls a service that answers, fails or hangs, and waits for it for some time or not at all.
async fn call(breaker: CircuitBreaker, mut random: fastrand::Rng) {
    let service = service_fn(|(wait, ok): (u64, bool)| async move {
        time::sleep(Duration::from_millis(wait)).await;
        if ok { Ok(()) } else { Err("down") }
    });
    let client = CircuitBreakerLayer::new(breaker).layer(service);
    time::sleep(Duration::from_millis(random.u64(0..400))).await;
    let wait = if random.u8(..) < 32 {
        1_000_000
    } else {
        random.u64(0..30)
    };
    let request = (wait, random.bool());
    let patience = Duration::from_millis(random.u64(0..80));
    let call = client.oneshot(request);
    match random.u8(0..3) {
        0 => drop(time::timeout(patience, call).await),
        1 => drop(call),
        _ => {
            tokio::select! {
                _ = call => {}
                () = time::sleep(patience) => {}
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_place_comes_back_whatever_callers_do() {
    let mut half_open = 0;
    for seed in 0..200 {
        let breaker = breaker(seed);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut calls = JoinSet::new();
        for _ in 0..200 {
            calls.spawn(call(breaker.clone(), random.fork()));
        }
        // Some of the callers are killed where they stand.
        time::sleep(Duration::from_millis(random.u64(0..500))).await;
        calls.shutdown().await;
        let snapshot = breaker.handle().snapshot();
        assert_eq!(snapshot.probes, 0, "seed {seed}: {snapshot:?}");

        if breaker.status() == Status::Closed {
            continue;
        }
        half_open += u32::from(breaker.status() == Status::HalfOpen);
        time::advance(OPEN_FOR).await;
        let mut probes = Vec::new();
        while let Ok(probe) = breaker.try_acquire() {
            probes.push(probe);
            assert!(probes.len() <= PROBES as usize, "seed {seed}");
        }
        assert!(!probes.is_empty(), "seed {seed}: no place is left");
        drop(probes);
        assert_eq!(breaker.handle().snapshot().probes, 0);
    }
    assert!(half_open > 10, "only {half_open} ended half-open");
}

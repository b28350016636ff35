//! A breaker for each key: made on demand, bounded, and forgotten when nobody uses it.

use std::{
    num::{NonZeroU32, NonZeroUsize},
    time::Duration,
};

use tokio::time::advance;
use tooloo_circuit_breaker::{
    CircuitBreakerConfig, CircuitBreakerLayer, CircuitBreakers, CircuitBreakersConfig, Control,
    Outcome, Status,
};
use tooloo_hub::{Hub, Observe};
use tooloo_key::Key;
use tower::{Layer, ServiceExt, service_fn};

const IDLE: Duration = Duration::from_secs(60);

fn breakers(max_keys: usize) -> CircuitBreakers {
    let breaker = CircuitBreakerConfig::new().with_consecutive_failures(NonZeroU32::new(1));
    let config = CircuitBreakersConfig::new(breaker)
        .with_max_keys(NonZeroUsize::new(max_keys).expect("no 0 is used"))
        .with_idle_for(IDLE);
    CircuitBreakers::new(config)
}

fn fail(breakers: &CircuitBreakers, key: &str) {
    let permit = breakers.try_acquire(&key.into()).expect("a closed breaker");
    permit.record(Outcome::FAILURE);
}

fn status(breakers: &CircuitBreakers, key: &str) -> Option<Status> {
    Some(breakers.find(&key.into())?.status())
}

#[tokio::test(start_paused = true)]
async fn keys_fail_apart() {
    let breakers = breakers(10);
    assert!(breakers.is_empty());
    fail(&breakers, "one");
    assert!(breakers.try_acquire(&"one".into()).is_err());
    assert!(breakers.try_acquire(&"two".into()).is_ok());
    assert_eq!(status(&breakers, "one"), Some(Status::Open));
    assert_eq!(status(&breakers, "two"), Some(Status::Closed));
    assert_eq!(status(&breakers, "three"), None);
    assert_eq!(breakers.len(), 2);
    // Whoever asks for it gets the same one.
    breakers.get(&"one".into()).set(Control::Closed);
    assert_eq!(status(&breakers, "one"), Some(Status::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_keys_shares_one_breaker_beyond_the_bound() {
    let breakers = breakers(3);
    for key in 0..100_000 {
        drop(breakers.try_acquire(&Key::from(key.to_string())));
    }
    assert_eq!(breakers.len(), 3);
    fail(&breakers, "stranger");
    assert!(breakers.try_acquire(&"another stranger".into()).is_err());
    assert!(breakers.try_acquire(&"0".into()).is_ok());
    let figures = breakers.handle().snapshot();
    assert_eq!(figures.len(), 4);
    assert_eq!(figures["_OTHER"].cancelled_count, 100_000 - 3);
    assert_eq!(figures["_OTHER"].rejected_count, 1);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_uses_is_forgotten() {
    let breakers = breakers(6);
    for key in ["idle", "used", "held", "followed", "by hand", "open"] {
        drop(breakers.get(&key.into()));
    }
    let held = breakers.get(&"held".into());
    let follower = breakers.get(&"followed".into()).subscribe();
    breakers.get(&"by hand".into()).set(Control::Disabled);
    advance(Duration::from_secs(59)).await;
    fail(&breakers, "open");
    drop(breakers.get(&"used".into()));
    advance(Duration::from_secs(1)).await;
    drop(breakers.get(&"new".into()));
    assert_eq!(status(&breakers, "idle"), None);
    for key in ["used", "held", "followed", "by hand", "open", "new"] {
        assert!(status(&breakers, key).is_some(), "{key}");
    }
    drop((held, follower));

    // An open one is kept until its time is over, however long it is unused.
    let open = breakers.get(&"open".into());
    open.set(Control::Closed);
    drop(open);
    advance(IDLE).await;
    drop(breakers.get(&"newer".into()));
    assert_eq!(status(&breakers, "by hand"), Some(Status::Disabled));
    assert_eq!(breakers.len(), 2);
}

#[test]
fn the_bound_holds_while_threads_race() {
    let breakers = breakers(8);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let breakers = &breakers;
            scope.spawn(move || {
                for key in 0..200 {
                    let key = Key::from(((key * 7 + thread) % 50).to_string());
                    let permit = breakers.try_acquire(&key).expect("nothing fails");
                    permit.record(Outcome::Success);
                }
            });
        }
    });
    assert_eq!(breakers.len(), 8);
    let figures = breakers.handle().snapshot();
    let calls: u64 = figures.values().map(|figures| figures.call_count).sum();
    assert_eq!(calls, 8 * 200);
}

#[tokio::test(start_paused = true)]
async fn a_layer_finds_the_breaker_of_each_request() {
    let breakers = breakers(10);
    let key = |host: &&str| (!host.is_empty()).then(|| Key::from(*host));
    let service = service_fn(async |host: &str| match host {
        "good" => Ok("answer"),
        _ => Err("down"),
    });
    let client = CircuitBreakerLayer::keyed(breakers.clone(), key).layer(service);
    assert!(client.clone().oneshot("bad").await.is_err());
    let refused = client.clone().oneshot("bad").await.unwrap_err();
    assert!(refused.refused().is_some());
    assert_eq!(client.clone().oneshot("good").await, Ok("answer"));
    // What has no key is nobody's, and passes.
    for _ in 0..3 {
        let error = client.clone().oneshot("").await.unwrap_err();
        assert_eq!(error.into_inner(), Some("down"));
    }
    assert_eq!(breakers.len(), 2);

    let hub = Hub::new();
    hub.register("circuitBreakers", breakers.handle(), &["circuitBreakers"]);
    assert_eq!(hub.snapshot()["circuitBreakers"]["bad"]["status"], "open");
    let page = hub.openmetrics().expect("a page");
    let line = r#"circuit_breaker_rejected_calls_total{key="bad"} 1"#;
    assert!(page.contains(line), "{page}");
}

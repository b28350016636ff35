//! What a caller sees, in paused time.

use std::{convert::Infallible, io, num::NonZeroU32, time::Duration};

use http::{Response, StatusCode};
use serde_json::json;
use tokio::time::{self, advance};
use tokio_test::{assert_pending, assert_ready_ok, task};
use tooloo_circuit_breaker::{
    AnyError, Backoff, ByStatus, Cause, CircuitBreaker, CircuitBreakerConfig, CircuitBreakerError,
    CircuitBreakerLayer, Control, Outcome, Rate, SlowCalls, Status, Window,
};
use tooloo_hub::{Hub, Observe};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_test::mock;

const OPEN_FOR: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("no 0 is used")
}

/// Settings that look at a run of failures only.
fn opens_after(failures: u32) -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .with_failure_rate(None)
        .with_consecutive_failures(number(failures))
        .with_open_for(OPEN_FOR)
        .with_backoff(backoff(2.0))
        .with_probes(number(1))
        .with_probe_timeout(TIMEOUT)
}

fn backoff(factor: f64) -> Backoff {
    Backoff::new(factor, Duration::from_secs(60), 0.0).expect("a valid back-off")
}

fn record(breaker: &CircuitBreaker, outcome: Outcome) {
    breaker
        .try_acquire()
        .expect("the breaker lets the call through")
        .record(outcome);
}

fn failures(breaker: &CircuitBreaker, count: u32) {
    (0..count).for_each(|_| record(breaker, Outcome::FAILURE));
}

fn throttled(retry_after: u64) -> Outcome {
    Outcome::Throttled {
        retry_after: Some(Duration::from_secs(retry_after)),
    }
}

#[tokio::test(start_paused = true)]
async fn opens_and_closes_again_when_the_callee_is_back() {
    let breaker = CircuitBreaker::new(opens_after(3));
    for _ in 0..3 {
        let result = breaker.call(async { Err::<(), _>("down") }).await;
        assert_eq!(result, Err(CircuitBreakerError::Inner("down")));
    }
    let never = async { unreachable!("a refused call is not polled") };
    let refused = breaker.call::<_, (), &str>(never).await.unwrap_err();
    let refused = refused.refused().expect("the breaker is open");
    assert_eq!(refused.status(), Status::Open);
    assert_eq!(refused.retry_after(), Some(OPEN_FOR));

    advance(Duration::from_millis(9_999)).await;
    assert!(breaker.try_acquire().is_err());
    // Waiting for as long as it says is enough.
    assert_eq!(refused.retry_after(), Some(Duration::from_millis(1)));
    advance(Duration::from_millis(1)).await;
    let result = breaker.call(async { Ok::<_, &str>("back") }).await;
    assert_eq!(result, Ok("back"));
    assert_eq!(breaker.status(), Status::Closed);
}

#[tokio::test(start_paused = true)]
async fn too_few_calls_open_nothing() {
    let breaker = CircuitBreaker::new(CircuitBreakerConfig::new().with_minimum_calls(number(5)));
    failures(&breaker, 4);
    assert_eq!(breaker.status(), Status::Closed);
    failures(&breaker, 1);
    assert_eq!(breaker.status(), Status::Open);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_looked_at_over_the_last_calls_only() {
    let config = CircuitBreakerConfig::new()
        .with_window(Window::calls(4).expect("a valid window"))
        .with_minimum_calls(number(4));
    let breaker = CircuitBreaker::new(config);
    for _ in 0..20 {
        record(&breaker, Outcome::FAILURE);
        (0..3).for_each(|_| record(&breaker, Outcome::Success));
    }
    assert_eq!(breaker.status(), Status::Closed);
    assert_eq!(breaker.handle().snapshot().failure_rate, Some(0.25));
    failures(&breaker, 2);
    assert_eq!(breaker.status(), Status::Open);
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_looked_at_over_the_last_seconds_only() {
    let config = CircuitBreakerConfig::new()
        .with_window(Window::time(Duration::from_secs(10)).expect("a valid window"))
        .with_minimum_calls(number(4));
    let breaker = CircuitBreaker::new(config);
    failures(&breaker, 3);
    advance(Duration::from_secs(11)).await;
    failures(&breaker, 3);
    assert_eq!(breaker.status(), Status::Closed);
    failures(&breaker, 1);
    assert_eq!(breaker.status(), Status::Open);
}

#[tokio::test(start_paused = true)]
async fn opens_where_calls_are_slow() {
    let slow = SlowCalls::new(Duration::from_secs(1), Rate::HALF);
    let config = CircuitBreakerConfig::new()
        .with_slow_calls(slow)
        .with_minimum_calls(number(4));
    let breaker = CircuitBreaker::new(config);
    let call = async |seconds| {
        let sleep = async {
            time::sleep(Duration::from_millis(seconds)).await;
            Ok::<_, Infallible>(())
        };
        breaker.call(sleep).await.expect("a closed breaker");
    };
    for millis in [1000, 500, 1001] {
        call(millis).await;
    }
    assert_eq!(breaker.status(), Status::Closed);
    call(1500).await;
    assert_eq!(breaker.status(), Status::Open);
    let change = *breaker.subscribe().borrow();
    assert_eq!(change.cause, Some(Cause::SlowCallRate));
    let snapshot = breaker.handle().snapshot();
    assert_eq!((snapshot.success_count, snapshot.slow_count), (4, 2));
    assert_eq!(snapshot.slow_call_rate, Some(0.5));
}

#[tokio::test(start_paused = true)]
async fn half_open_lets_its_probes_through_and_refuses_all_others_at_once() {
    let breaker = CircuitBreaker::new(opens_after(1).with_probes(number(2)));
    failures(&breaker, 1);
    advance(OPEN_FOR).await;
    let [first, second] = [(); 2].map(|()| breaker.try_acquire().expect("a probe"));
    let refused = breaker.try_acquire().expect_err("two are under way");
    assert_eq!(refused.status(), Status::HalfOpen);
    assert_eq!(refused.retry_after(), None);
    first.record(Outcome::Success);
    // What has ended has its place in the decision: only one that comes back without a result is free.
    assert!(breaker.try_acquire().is_err());
    drop(second);
    record(&breaker, Outcome::Success);
    assert_eq!(breaker.status(), Status::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_never_ends_does_not_hold_the_last_place() {
    let breaker = CircuitBreaker::new(opens_after(1));
    failures(&breaker, 1);
    advance(OPEN_FOR).await;
    let stuck = breaker.try_acquire().expect("a probe");
    advance(Duration::from_millis(1_999)).await;
    assert!(breaker.try_acquire().is_err());
    advance(Duration::from_millis(1)).await;
    let next = breaker
        .try_acquire()
        .expect("the place of the one that is stuck");
    // It lost its place, and says nothing any more.
    stuck.record(Outcome::FAILURE);
    assert_eq!(breaker.status(), Status::HalfOpen);
    next.record(Outcome::Success);
    assert_eq!(breaker.status(), Status::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_open_time_grows_while_probes_fail_and_shrinks_when_they_do_not() {
    let breaker = CircuitBreaker::new(opens_after(1));
    failures(&breaker, 1);
    for seconds in [10, 20, 40, 60, 60] {
        let refused = breaker.try_acquire().expect_err("an open breaker");
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(seconds)));
        advance(Duration::from_secs(seconds)).await;
        failures(&breaker, 1);
    }
    advance(Duration::from_secs(60)).await;
    record(&breaker, Outcome::Success);
    failures(&breaker, 1);
    let refused = breaker.try_acquire().expect_err("an open breaker");
    assert_eq!(refused.retry_after(), Some(OPEN_FOR));
}

#[tokio::test(start_paused = true)]
async fn jitter_spreads_the_open_time_and_a_seed_repeats_it() {
    let open_time = |seed| {
        let backoff = Backoff::new(2.0, Duration::from_secs(60), 0.5).expect("a valid back-off");
        let config = opens_after(1).with_backoff(backoff).with_seed(seed);
        let breaker = CircuitBreaker::new(config);
        failures(&breaker, 1);
        let refused = breaker.try_acquire().expect_err("an open breaker");
        refused.retry_after().expect("an open time")
    };
    let times: Vec<_> = (0..50).map(open_time).collect();
    assert_eq!(times, (0..50).map(open_time).collect::<Vec<_>>());
    let spread = Duration::from_secs(5)..=Duration::from_secs(15);
    assert!(times.iter().all(|time| spread.contains(time)), "{times:?}");
    assert!(times.iter().min() < Some(&Duration::from_secs(7)));
    assert!(times.iter().max() > Some(&Duration::from_secs(13)));
}

#[tokio::test(start_paused = true)]
async fn retry_after_sets_the_open_time_within_its_bounds() {
    for (asked, open_for) in [(3, 3), (45, 45), (3600, 60)] {
        let breaker = CircuitBreaker::new(opens_after(2));
        // The last word on it need not be the failure that opens.
        record(&breaker, throttled(asked));
        failures(&breaker, 2);
        let refused = breaker.try_acquire().expect_err("an open breaker");
        assert_eq!(refused.retry_after(), Some(Duration::from_secs(open_for)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_throttled_call_counts_towards_the_rate_but_not_in_a_row() {
    let in_a_row = CircuitBreaker::new(opens_after(2));
    for outcome in [Outcome::FAILURE, throttled(1), throttled(1)] {
        record(&in_a_row, outcome);
    }
    assert_eq!(in_a_row.status(), Status::Closed);
    assert_eq!(in_a_row.handle().snapshot().failure_count, 3);
    // Nor does it end the row.
    failures(&in_a_row, 1);
    assert_eq!(in_a_row.status(), Status::Open);

    let rate = CircuitBreaker::new(CircuitBreakerConfig::new().with_minimum_calls(number(2)));
    (0..2).for_each(|_| record(&rate, throttled(1)));
    assert_eq!(rate.status(), Status::Open);
}

#[tokio::test(start_paused = true)]
async fn an_ignored_or_dropped_call_is_neither_success_nor_failure() {
    let breaker = CircuitBreaker::new(opens_after(2));
    failures(&breaker, 1);
    record(&breaker, Outcome::Ignored);
    drop(breaker.try_acquire());
    failures(&breaker, 1);
    assert_eq!(breaker.status(), Status::Open);

    advance(OPEN_FOR).await;
    for _ in 0..5 {
        record(&breaker, Outcome::Ignored);
        drop(breaker.try_acquire().expect("its place is free again"));
    }
    assert_eq!(breaker.status(), Status::HalfOpen);
    let snapshot = breaker.handle().snapshot();
    let counts = (snapshot.ignored_count, snapshot.cancelled_count);
    assert_eq!((counts, snapshot.call_count), ((6, 6), 14));
}

#[tokio::test(start_paused = true)]
async fn some_errors_are_ignored() {
    let breaker = CircuitBreaker::new(opens_after(1));
    let classify = AnyError.ignoring(|error: &io::Error| error.kind() == io::ErrorKind::NotFound);
    let fail = async |kind: io::ErrorKind| {
        let call = async { Err::<(), _>(kind.into()) };
        drop(breaker.call_with(&classify, call).await);
        breaker.status()
    };
    assert_eq!(fail(io::ErrorKind::NotFound).await, Status::Closed);
    assert_eq!(fail(io::ErrorKind::TimedOut).await, Status::Open);
}

#[tokio::test(start_paused = true)]
async fn a_result_from_before_a_change_of_state_changes_nothing() {
    let breaker = CircuitBreaker::new(opens_after(2));
    let [first, second, third] = [(); 3].map(|()| breaker.try_acquire().expect("closed"));
    failures(&breaker, 2);
    first.record(Outcome::Success);
    assert_eq!(breaker.status(), Status::Open);
    advance(OPEN_FOR).await;
    let probe = breaker.try_acquire().expect("a probe");
    second.record(Outcome::FAILURE);
    assert_eq!(breaker.status(), Status::HalfOpen);
    probe.record(Outcome::Success);
    third.record(Outcome::FAILURE);
    failures(&breaker, 1);
    assert_eq!(breaker.status(), Status::Closed);
    // The figures count them all the same.
    let snapshot = breaker.handle().snapshot();
    assert_eq!((snapshot.success_count, snapshot.failure_count), (2, 5));
}

#[tokio::test(start_paused = true)]
async fn an_operator_has_the_last_word() {
    let breaker = CircuitBreaker::new(opens_after(1));
    breaker.set(Control::ForcedOpen);
    advance(OPEN_FOR * 1000).await;
    let refused = breaker.try_acquire().expect_err("forced open");
    assert_eq!(
        (refused.status(), refused.retry_after()),
        (Status::ForcedOpen, None)
    );

    breaker.set(Control::Disabled);
    failures(&breaker, 100);
    assert_eq!(breaker.status(), Status::Disabled);

    breaker.set(Control::Auto);
    assert_eq!(breaker.status(), Status::Closed);
    failures(&breaker, 1);
    breaker.set(Control::Auto);
    assert_eq!(breaker.status(), Status::Open);
    breaker.set(Control::Closed);
    assert_eq!(breaker.status(), Status::Closed);
    let snapshot = breaker.handle().snapshot();
    assert_eq!(
        (snapshot.failure_rate, snapshot.consecutive_failures),
        (None, 0)
    );
    let control: Control = serde_json::from_value(json!("forced-open")).expect("a control");
    assert_eq!(control, Control::ForcedOpen);
}

#[tokio::test(start_paused = true)]
async fn changes_of_state_can_be_followed() {
    let breaker = CircuitBreaker::new(opens_after(1));
    let mut changes = breaker.subscribe();
    assert_eq!(changes.borrow_and_update().status, Status::Closed);
    let follower = tokio::spawn(async move {
        let mut seen = Vec::new();
        while seen.len() < 3 {
            changes.changed().await.expect("the breaker is there");
            let change = *changes.borrow_and_update();
            seen.push((change.number, change.status, change.cause));
        }
        seen
    });
    tokio::task::yield_now().await;
    failures(&breaker, 1);
    tokio::task::yield_now().await;
    advance(OPEN_FOR).await;
    let probe = breaker.try_acquire().expect("a probe");
    tokio::task::yield_now().await;
    probe.record(Outcome::Success);
    let seen = time::timeout(OPEN_FOR, follower).await;
    assert_eq!(
        seen.expect("in time").expect("no panic"),
        [
            (1, Status::Open, Some(Cause::ConsecutiveFailures)),
            (2, Status::HalfOpen, Some(Cause::OpenTimeOver)),
            (3, Status::Closed, Some(Cause::ProbesSucceeded)),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn shows_its_figures() {
    let breaker = CircuitBreaker::new(opens_after(2));
    let hub = Hub::new();
    hub.register("training", breaker.handle(), &["circuitBreakers"]);
    let fresh = &hub.snapshot()["circuitBreakers"]["training"];
    assert_eq!(fresh["lastFailureTime"], json!(null));
    assert_eq!(fresh["failureRate"], json!(null));

    record(&breaker, Outcome::Success);
    failures(&breaker, 2);
    drop(breaker.try_acquire());
    let figures = &hub.snapshot()["circuitBreakers"]["training"];
    for (name, value) in [
        ("status", json!("open")),
        ("callCount", json!(3)),
        ("failureCount", json!(2)),
        ("rejectedCount", json!(1)),
        ("openCount", json!(1)),
        ("slowCallRate", json!(null)),
    ] {
        assert_eq!(figures[name], value, "{name}");
    }
    assert_eq!(
        figures["lastChange"]["cause"],
        json!("consecutive-failures")
    );
    for time in ["lastFailureTime", "openUntil"] {
        let time = figures[time].as_str().expect("RFC 3339");
        assert!(time.ends_with('Z'), "{time}");
    }

    let page = hub.openmetrics().expect("a page");
    for line in [
        r#"circuit_breaker_calls_total{component="training",outcome="failure"} 2"#,
        r#"circuit_breaker_rejected_calls_total{component="training"} 1"#,
        r#"circuit_breaker_state{component="training",state="open"} 1.0"#,
        r#"circuit_breaker_state{component="training",state="closed"} 0.0"#,
        r#"circuit_breaker_changes_total{component="training",state="open"} 1"#,
    ] {
        assert!(page.contains(line), "{line} in\n{page}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_is_not_called_while_its_breaker_is_open() {
    let breaker = CircuitBreaker::new(opens_after(1));
    let layer = CircuitBreakerLayer::new(breaker.clone());
    let (mut service, mut upstream) = mock::spawn_layer::<&str, &str, _>(layer);
    upstream.allow(1);
    assert_ready_ok!(service.poll_ready());
    let call = task::spawn(service.call("first"));
    let (request, respond) = upstream.next_request().await.expect("an open mock");
    assert_eq!(request, "first");
    respond.send_error("down");
    let error = call.await.expect_err("the upstream failed");
    assert!(matches!(error, CircuitBreakerError::Inner(_)));

    // The upstream takes no more requests, and a refusal does not wait until it does.
    upstream.allow(0);
    assert_ready_ok!(service.poll_ready());
    let error = service.call("second").await.expect_err("an open breaker");
    assert!(error.refused().is_some());
    assert_eq!(breaker.handle().snapshot().rejected_count, 1);

    advance(OPEN_FOR).await;
    assert_pending!(service.poll_ready());
    upstream.allow(1);
    assert_ready_ok!(service.poll_ready());
    let call = task::spawn(service.call("third"));
    let (request, respond) = upstream.next_request().await.expect("an open mock");
    assert_eq!(request, "third");
    respond.send_response("back");
    assert_eq!(call.await.expect("a probe"), "back");
    assert_eq!(breaker.status(), Status::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_response_tells_by_its_status() {
    let breaker = CircuitBreaker::new(opens_after(2));
    let service = service_fn(async |status: StatusCode| {
        let response = Response::builder()
            .status(status)
            .header("retry-after", "7");
        Ok::<_, Infallible>(response.body(()).expect("a valid response"))
    });
    let mut client = CircuitBreakerLayer::new(breaker.clone())
        .with_classifier(ByStatus::new())
        .layer(service);
    for status in [400, 503, 429, 503] {
        let status = StatusCode::from_u16(status).expect("a valid status");
        let response = client.ready().await.expect("it is ready").call(status);
        // A failure of the callee is still its answer.
        assert_eq!(response.await.expect("an answer").status(), status);
    }
    assert_eq!(breaker.status(), Status::Open);
    let refused = client.oneshot(StatusCode::OK).await.unwrap_err();
    let retry_after = refused.refused().and_then(|refused| refused.retry_after());
    assert_eq!(retry_after, Some(Duration::from_secs(7)));
}

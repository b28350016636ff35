//! A provider that keeps failing is left alone for a while, and comes back.

#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod rig;

use http::StatusCode;
use rig::{Rig, assert_problem, completion, micros, provider, providers, within};
use serde_json::{Value, json};
use tooloo_testkit::{Answer, Gate, Upstream};

const STATUS: &str = "/api/v1/providers/resilience-status";

fn good() -> Answer {
    Answer::new(StatusCode::OK).with_chunks([completion("yes", (1, 1))])
}

fn failing() -> Answer {
    Answer::new(StatusCode::INTERNAL_SERVER_ERROR)
}

/// A breaker that opens after three failures and tries again after `open_for`.
fn breaker(open_for: &str) -> Value {
    json!({
        "consecutive_failures": 3,
        "open_for": open_for,
        "backoff": {"factor": 1.0, "jitter": 0.0},
        "probes": 1,
    })
}

/// Starts the service with a cheap provider under the test's control, and a dear one that works.
async fn with_a_sound_second(breaker: Value) -> (Rig, Upstream, Upstream) {
    let (first, second) = (Upstream::start().await, Upstream::start().await);
    second.answer(good());
    let rig = Rig::start(|config| {
        let dear = json!({"prices": {"input": 2, "output": 2}});
        let list = [
            provider(
                "first",
                first.url("/"),
                &json!({"circuit_breaker": breaker}),
            ),
            provider("second", second.url("/"), &dear),
        ];
        providers(config, &list);
    })
    .await;
    (rig, first, second)
}

async fn breaker_of(rig: &Rig, name: &str) -> Value {
    rig.budget.get(STATUS).await.json()["circuitBreakers"][name].clone()
}

/// Asks `count` times, and returns the reasons why the first provider did not answer.
async fn reasons(rig: &Rig, count: usize) -> Vec<Value> {
    let mut reasons = Vec::new();
    for n in 0..count {
        let reply = rig.budget.burst_anew(&format!("question {n}")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let answer = reply.json();
        assert_eq!(answer["provider"], "second", "{answer}");
        let failover = answer["failover"].as_array().unwrap();
        assert_eq!(failover.len(), 1, "{answer}");
        assert_eq!(failover[0]["provider"], "first");
        reasons.push(failover[0]["reason"].clone());
    }
    reasons
}

/// Asks until `name` answers.
async fn until_answered_by(rig: &Rig, name: &str) -> Value {
    let asking = async {
        loop {
            let answer = rig.budget.burst_anew("are you back?").await.json();
            if answer["provider"] == name {
                return answer;
            }
        }
    };
    within(asking).await
}

#[tokio::test]
async fn a_failing_provider_is_left_alone_and_asked_again_once_it_is_back() {
    let (rig, first, second) = with_a_sound_second(breaker("100ms")).await;
    first.answer(failing());
    let told = reasons(&rig, 3).await;
    assert_eq!(told, ["server-error"; 3]);
    let opened = breaker_of(&rig, "first").await;
    assert_eq!(opened["status"], "open", "{opened}");
    assert_eq!(
        (&opened["callCount"], &opened["failureCount"]),
        (&json!(3), &json!(3))
    );
    assert!(opened["lastFailureTime"].is_string(), "{opened}");

    first.answer(good());
    let answer = until_answered_by(&rig, "first").await;
    assert_eq!(answer["failover"], json!([]));
    let closed = breaker_of(&rig, "first").await;
    assert_eq!(closed["status"], "closed", "{closed}");
    assert_eq!(closed["callCount"], first.received().len());
    // Whoever was answered by the second one after the third call was refused the first one.
    assert_eq!(closed["rejectedCount"], second.received().len() - 3);
    assert_eq!(rig.budget.money().await.1, 0, "nothing stays reserved");
}

#[tokio::test]
async fn an_open_breaker_is_told_of_in_every_answer_and_shown() {
    let (rig, first, _second) = with_a_sound_second(breaker("1h")).await;
    first.answer(failing());
    reasons(&rig, 3).await;
    assert_eq!(reasons(&rig, 4).await, ["circuit-open"; 4]);
    assert_eq!(first.received().len(), 3, "it is left alone");

    let answer = rig.budget.burst("who is there?").await.json();
    assert_eq!(answer["providersAvailable"], 1);
    assert_eq!(breaker_of(&rig, "first").await["rejectedCount"], 5);
    assert_eq!(breaker_of(&rig, "second").await["status"], "closed");
    let status = rig.budget.get("/api/v1/providers/status").await.json();
    let shown = &status["providers"][0];
    assert_eq!(
        (&shown["circuitBreaker"], &shown["available"]),
        (&json!("open"), &json!(false))
    );
    let wait = shown["retryAfter"].as_f64().unwrap();
    assert!((3_500.0..=3_600.0).contains(&wait), "{wait}");
    let recommended = rig.budget.get("/api/v1/providers/recommend").await.json();
    assert_eq!(recommended["provider"], "second");

    let observability = rig.budget.get("/api/v1/system/observability").await.json();
    let breakers = observability["circuitBreakers"].as_object().unwrap();
    assert_eq!(breakers.len(), 2);
    assert_eq!(breakers["first"]["status"], "open");
    let metrics = rig.budget.get("/metrics").await.text();
    let rejected = metrics.lines().find(|line| {
        line.starts_with("circuit_breaker_") && line.contains("first") && line.ends_with(" 5")
    });
    assert!(rejected.is_some(), "{metrics}");
}

#[tokio::test]
async fn only_the_probes_reach_a_provider_that_may_be_back() {
    let (rig, first, _second) = with_a_sound_second(breaker("1ms")).await;
    first.answer(failing());
    reasons(&rig, 3).await;

    let gate = Gate::shut();
    first.answer(good().with_gate(gate.clone()));
    let url = rig.budget.url("/api/v1/providers/burst");
    let probe = tokio::spawn(async move {
        let client = tooloo_testkit::Client::new();
        // The open time may not be over at the first attempt.
        loop {
            let answer = client.post(&url, &json!({"prompt": "probe"})).await.json();
            if answer["provider"] == "first" {
                return answer;
            }
        }
    });
    within(gate.wait_for(1)).await;
    assert_eq!(breaker_of(&rig, "first").await["status"], "half-open");
    assert_eq!(reasons(&rig, 2).await, ["circuit-open"; 2]);
    gate.open();
    within(probe).await.unwrap();
    assert_eq!(breaker_of(&rig, "first").await["status"], "closed");
    assert_eq!(first.received().len(), 4);
}

#[tokio::test]
async fn a_probe_that_is_cut_off_gives_its_place_back_and_is_paid_for() {
    let first = Upstream::start().await;
    let rig = Rig::start(|config| {
        config.deadline = std::time::Duration::from_millis(300);
        let breaker = json!({"circuit_breaker": breaker("1ms")});
        providers(config, &[provider("first", first.url("/"), &breaker)]);
    })
    .await;
    first.answer(failing());
    for n in 0..3 {
        let reply = rig.budget.burst(&format!("question {n}")).await;
        assert_problem(&reply, 503, "first answered 500");
    }
    // The only probe there may be, until the asker's time is over.
    let gate = Gate::shut();
    first.answer(good().with_gate(gate.clone()));
    let cut_off = async {
        loop {
            let reply = rig.budget.burst("probe").await;
            if reply.status == StatusCode::GATEWAY_TIMEOUT {
                return;
            }
            assert_problem(&reply, 503, "first is left alone");
        }
    };
    within(cut_off).await;
    let shown = breaker_of(&rig, "first").await;
    assert_eq!(
        (&shown["status"], &shown["probes"], &shown["cancelledCount"]),
        (&json!("half-open"), &json!(0), &json!(1))
    );
    // The prompt, what the format adds to it, and the longest answer.
    assert_eq!(rig.budget.money().await, (5 + 64 + 512, 0));

    first.answer(good());
    let answer = rig.budget.burst("once more").await.json();
    assert_eq!(answer["provider"], "first", "{answer}");
    let shown = breaker_of(&rig, "first").await;
    assert_eq!(shown["status"], "closed", "{shown}");
    let spent = 5 + 64 + 512 + micros(&answer["cost"]);
    assert_eq!(rig.budget.money().await, (spent, 0));
}

#[tokio::test]
async fn where_all_breakers_are_open_the_answer_tells_when_the_first_is_back() {
    let (slow, quick) = (Upstream::start().await, Upstream::start().await);
    slow.answer(failing());
    quick.answer(failing());
    let rig = Rig::start(|config| {
        let list = [
            provider(
                "slow",
                slow.url("/"),
                &json!({"circuit_breaker": breaker("1h")}),
            ),
            provider(
                "quick",
                quick.url("/"),
                &json!({"circuit_breaker": breaker("60s")}),
            ),
        ];
        providers(config, &list);
    })
    .await;
    for n in 0..3 {
        let reply = rig.budget.burst(&format!("question {n}")).await;
        assert_problem(&reply, 503, "slow answered 500; quick answered 500");
    }
    let reply = rig.budget.burst("anyone?").await;
    assert_problem(
        &reply,
        503,
        "slow is left alone: the circuit breaker is open",
    );
    assert_problem(
        &reply,
        503,
        "quick is left alone: the circuit breaker is open",
    );
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((30..=60).contains(&wait), "{wait}");
    assert_eq!(reply.json()["retryAfter"], wait);
    assert_eq!((slow.received().len(), quick.received().len()), (3, 3));
    assert_eq!(rig.budget.money().await, (0, 0));
}

#[tokio::test]
async fn a_429_counts_for_the_rate_and_says_how_long_the_breaker_is_open() {
    let breaker = json!({
        "window": {"calls": 2},
        "minimum_calls": 2,
        "consecutive_failures": 1,
        "open_for": "1s",
    });
    let (rig, first, _second) = with_a_sound_second(breaker).await;
    let gate = Gate::shut();
    let busy = Answer::new(StatusCode::TOO_MANY_REQUESTS).with_header("retry-after", "120");
    first.answer(busy.with_gate(gate.clone()));
    let both = async { tokio::join!(rig.budget.burst("one"), rig.budget.burst("two")) };
    let opening = async {
        gate.wait_for(2).await;
        gate.open();
    };
    let ((one, two), ()) = within(Box::pin(async { tokio::join!(both, opening) })).await;
    for reply in [one, two] {
        assert_eq!(reply.json()["failover"][0]["reason"], "rate-limited");
    }
    let shown = breaker_of(&rig, "first").await;
    assert_eq!(shown["status"], "open", "{shown}");
    assert_eq!(shown["lastChange"]["cause"], "failure-rate", "{shown}");
    let until: jiff::Timestamp = shown["openUntil"].as_str().unwrap().parse().unwrap();
    let left = until.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((60..=120).contains(&left), "{shown}");
}

#[tokio::test]
async fn a_prompt_that_a_provider_will_not_take_is_no_failure_of_the_provider() {
    let (rig, first, _second) = with_a_sound_second(breaker("1h")).await;
    first.answer(Answer::new(StatusCode::PAYLOAD_TOO_LARGE));
    assert_eq!(reasons(&rig, 5).await, ["bad-request"; 5]);
    let shown = breaker_of(&rig, "first").await;
    assert_eq!(shown["status"], "closed", "{shown}");
    assert_eq!(
        (&shown["failureCount"], &shown["ignoredCount"]),
        (&json!(0), &json!(5))
    );
}

#[tokio::test]
async fn a_key_that_is_refused_opens_the_breaker() {
    let (rig, first, _second) = with_a_sound_second(breaker("1h")).await;
    first.answer(Answer::new(StatusCode::UNAUTHORIZED));
    assert_eq!(reasons(&rig, 3).await, ["refused"; 3]);
    assert_eq!(reasons(&rig, 1).await, ["circuit-open"]);
}

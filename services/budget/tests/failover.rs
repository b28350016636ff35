//! One provider fails, another one answers.

#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod rig;

use std::time::Duration;

use http::StatusCode;
use rig::{Rig, Served, assert_problem, completion, micros, nowhere, provider, providers};
use serde_json::json;
use tooloo_testkit::{Answer, Gate, Upstream};

/// Starts the service with a cheap provider at `first`, and a dear one that works.
async fn with_a_sound_second(first: impl std::fmt::Display) -> (Rig, Served) {
    let simulator = Served::simulator(|_| {}).await;
    let rig = Rig::start(|config| {
        let dear = json!({"prices": {"input": 2, "output": 2}});
        let list = [
            provider("first", first, &json!({"timeout": "200ms"})),
            provider("second", simulator.url("/"), &dear),
        ];
        providers(config, &list);
    })
    .await;
    (rig, simulator)
}

async fn status_of_first(rig: &Rig) -> serde_json::Value {
    let status = rig.budget.get("/api/v1/providers/status").await.json();
    status["providers"][0].clone()
}

#[tokio::test]
async fn a_dead_provider_is_passed_over() {
    let (rig, _second) = with_a_sound_second(nowhere().await).await;
    let answer = rig.budget.burst("anyone there?").await.json();
    assert_eq!(answer["provider"], "second", "{answer}");
    let first = status_of_first(&rig).await;
    assert_eq!(first["lastFailure"]["kind"], "unreachable");
    assert_eq!(
        (&first["calls"], &first["failures"]),
        (&json!(1), &json!(1))
    );
    // Only the call that was answered is paid for.
    let spent = micros(&answer["cost"]);
    assert_eq!(rig.budget.money().await, (spent, 0));
}

#[tokio::test]
async fn providers_that_fail_are_passed_over_and_paid_for_what_they_may_have_done() {
    let failing = Answer::new(StatusCode::BAD_GATEWAY).with_chunks(["<html>"]);
    let failing_halfway = failing.clone().broken_off();
    let silent = Answer::new(StatusCode::OK).with_gate(Gate::shut());
    let babbling = Answer::new(StatusCode::OK).with_chunks(["[1, 2"]);
    let broken = Answer::new(StatusCode::OK).with_chunks(["{"]).broken_off();
    let refusing = Answer::new(StatusCode::UNAUTHORIZED);
    let usage = r#"{"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 9}}"#;
    let speechless = Answer::new(StatusCode::OK).with_chunks([usage]);
    let endless = Answer::new(StatusCode::OK).with_chunks(["x".repeat(5 * 1024 * 1024)]);
    // The prompt, what the format adds to it, and the longest answer.
    let most = 10 + 64 + 512;
    for (answer, kind, owed) in [
        (failing, "server-error", 0),
        (failing_halfway, "server-error", 0),
        (refusing, "refused", 0),
        (speechless, "bad-answer", 7 + 9),
        (silent, "timed-out", most),
        (babbling, "bad-answer", most),
        (broken, "unreachable", most),
        (endless, "bad-answer", most),
    ] {
        let upstream = Upstream::start().await;
        upstream.answer(answer);
        let (rig, _second) = with_a_sound_second(upstream.url("/")).await;
        let answer = rig.budget.burst("a question").await.json();
        assert_eq!(answer["provider"], "second", "{kind}: {answer}");
        assert_eq!(status_of_first(&rig).await["lastFailure"]["kind"], kind);
        assert_eq!(upstream.received().len(), 1);
        // What the first may charge for its failure is booked, and nothing stays reserved.
        assert_eq!(rig.budget.money().await, (micros(&answer["cost"]), 0));
        let costs = rig.budget.get("/api/v1/providers/costs").await.json();
        let costs = costs["providers"].as_array().unwrap();
        let first = costs.iter().find(|costs| costs["name"] == "first");
        let booked = first.map_or(0, |costs| micros(&costs["spent"]));
        assert_eq!(booked, owed, "{kind}: {costs:?}");
    }
}

#[tokio::test]
async fn money_that_one_provider_gave_back_serves_the_next() {
    let failing = Upstream::start().await;
    failing.answer(Answer::new(StatusCode::INTERNAL_SERVER_ERROR));
    let simulator = Served::simulator(|_| {}).await;
    let rig = Rig::start(|config| {
        // A call reserves at most 64 + 5 + 512 tokens: there is room for one.
        config.daily_limit = budget::Money::from_micros(600);
        let list = [
            provider("first", failing.url("/"), &json!({})),
            provider("second", simulator.url("/"), &json!({})),
        ];
        providers(config, &list);
    })
    .await;
    let body = json!({"prompt": "tight", "criticality": "critical"});
    let reply = rig.budget.post("/api/v1/providers/burst", &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert_eq!(reply.json()["provider"], "second");
    assert_eq!(failing.received().len(), 1);
}

#[tokio::test]
async fn a_provider_that_asks_for_a_rest_gets_it() {
    let upstream = Upstream::start().await;
    let busy = Answer::new(StatusCode::TOO_MANY_REQUESTS).with_header("retry-after", "120");
    upstream.answer(busy);
    let (rig, _second) = with_a_sound_second(upstream.url("/")).await;
    for n in 0..3 {
        let answer = rig.budget.burst(&format!("question {n}")).await.json();
        assert_eq!(
            (&answer["provider"], &answer["providersAvailable"]),
            (&json!("second"), &json!(1))
        );
    }
    assert_eq!(upstream.received().len(), 1, "it is left alone");
    let first = status_of_first(&rig).await;
    assert_eq!(first["available"], false);
    let wait = first["retryAfter"].as_f64().unwrap();
    assert!((60.0..=120.0).contains(&wait), "{wait}");
    let recommended = rig.budget.get("/api/v1/providers/recommend").await.json();
    assert_eq!(recommended["provider"], "second");
    assert_eq!(recommended["ranking"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_cheap_provider_is_preferred_and_the_fast_one_where_it_matters() {
    let cheap = Upstream::start().await;
    let body = completion("slowly", (1, 1));
    let latency = Duration::from_millis(100);
    cheap.answer(
        Answer::new(StatusCode::OK)
            .with_chunks([body])
            .with_latency(latency),
    );
    let (rig, _second) = with_a_sound_second(cheap.url("/")).await;
    let recommended = async |criticality: &str| {
        // So short a prompt costs next to nothing with either.
        let path = format!("/api/v1/providers/recommend?promptBytes=0&criticality={criticality}");
        rig.budget.get(&path).await.json()["provider"].clone()
    };
    assert_eq!(
        recommended("critical").await,
        "first",
        "nothing is known but the price"
    );
    assert_eq!(
        rig.budget.burst("how slow are you?").await.json()["provider"],
        "first"
    );
    assert_eq!(recommended("low").await, "first");
    assert_eq!(recommended("critical").await, "second");
}

#[tokio::test]
async fn where_all_are_down_the_answer_says_so_for_each() {
    let upstream = Upstream::start().await;
    let failing = r#"{"error": {"message": "out of GPUs", "type": "server_error"}}"#;
    upstream.answer(Answer::new(StatusCode::SERVICE_UNAVAILABLE).with_chunks([failing]));
    let dead = nowhere().await;
    let rig = Rig::start(|config| {
        let list = [
            provider("up", upstream.url("/"), &json!({})),
            provider("dead", dead, &json!({})),
        ];
        providers(config, &list);
    })
    .await;
    let reply = rig.budget.burst("anyone?").await;
    assert_problem(&reply, 503, "no provider is available");
    assert_problem(&reply, 503, "up answered 503 (out of GPUs)");
    assert_problem(&reply, 503, "dead cannot be reached");
    assert!(reply.header("retry-after").is_some());
    assert_eq!(reply.json()["code"], "providers_unavailable");
}

#[tokio::test]
async fn where_all_rest_the_answer_says_until_when() {
    let simulator = Served::simulator(|config| {
        config.rate_limit_rate = 1.0;
        config.retry_after = Duration::from_secs(30);
    })
    .await;
    let rig = Rig::start(|config| {
        providers(config, &[provider("sim", simulator.url("/"), &json!({}))]);
    })
    .await;
    assert_problem(
        &rig.budget.burst("one").await,
        503,
        "sim answered 429 (Rate limit reached",
    );
    let reply = rig.budget.burst("two").await;
    assert_problem(&reply, 503, "no provider is available");
    let wait: u64 = reply.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(
        simulator.get("/simulator/stats").await.json()["rateLimited"],
        1
    );
}

#[tokio::test]
async fn a_key_that_nobody_accepts_is_no_outage() {
    let upstream = Upstream::start().await;
    upstream.answer(Answer::new(StatusCode::UNAUTHORIZED));
    let rig = Rig::start(|config| {
        providers(config, &[provider("up", upstream.url("/"), &json!({}))]);
    })
    .await;
    assert_problem(&rig.budget.burst("hello").await, 502, "up answered 401");
}

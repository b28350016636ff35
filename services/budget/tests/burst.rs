//! A prompt and its answer: once, from a provider, at a price.

mod rig;

use futures_util::future::join_all;
use http::StatusCode;
use rig::{Rig, Served, completion, micros, provider, providers, within};
use serde_json::{Value, json};
use tooloo_testkit::{Answer, Client, Gate, Upstream};

#[tokio::test]
async fn a_burst_is_answered_and_paid_for() {
    let simulator = Served::simulator(|_| {}).await;
    let rig = Rig::start(|config| {
        providers(config, &[provider("sim", simulator.url("/"), &json!({}))]);
    })
    .await;
    let reply = rig.budget.burst("what is a binary heap?").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let answer = reply.json();
    assert_eq!(answer["ok"], true);
    assert_eq!(
        (&answer["cached"], &answer["cache"]),
        (&json!(false), &json!("miss"))
    );
    assert!(
        answer["text"].as_str().unwrap().contains("heap"),
        "{answer}"
    );
    assert_eq!(answer["provider"], "sim");
    assert_eq!(
        (&answer["concurrency"], &answer["providersAvailable"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(answer["traceId"].as_str(), reply.trace_id());

    let cost = micros(&answer["cost"]);
    assert!(cost > 0);
    assert_eq!(rig.budget.money().await, (cost, 0));
    let costs = rig.budget.get("/api/v1/providers/costs").await.json();
    let sim = &costs["providers"][0];
    assert_eq!(
        (sim["name"].as_str(), micros(&sim["spent"])),
        (Some("sim"), cost)
    );
    // At one micro-dollar a token, the bill is the number of tokens.
    let tokens = sim["inputTokens"].as_u64().unwrap() + sim["outputTokens"].as_u64().unwrap();
    assert_eq!(tokens, cost);
}

#[tokio::test]
async fn the_query_works_like_the_body() {
    let simulator = Served::simulator(|_| {}).await;
    let rig = Rig::start(|config| {
        providers(config, &[provider("sim", simulator.url("/"), &json!({}))]);
    })
    .await;
    let posted = rig.budget.burst("why hash").await.json();
    let got = rig
        .budget
        .get("/api/v1/providers/burst?prompt=why%20hash&ttlSeconds=60&criticality=high")
        .await
        .json();
    assert_eq!(posted["text"], got["text"]);
    assert_eq!(
        (&posted["cache"], &got["cache"]),
        (&json!("miss"), &json!("hit"))
    );
}

#[tokio::test]
async fn the_same_prompt_in_flight_is_asked_once_and_paid_for_once() {
    let upstream = Upstream::start().await;
    let gate = Gate::shut();
    let body = completion("forty-two", (2, 3));
    upstream.answer(
        Answer::new(StatusCode::OK)
            .with_chunks([body])
            .with_gate(gate.clone()),
    );
    let rig = Rig::start(|config| {
        providers(config, &[provider("up", upstream.url("/v1"), &json!({}))]);
    })
    .await;

    let ask = || rig.budget.burst("the question");
    // The first asker leaves before the answer is there.
    let url = rig.budget.url("/api/v1/providers/burst");
    let first = tokio::spawn(async move {
        Client::new()
            .post(url, &json!({"prompt": "the question"}))
            .await
    });
    gate.wait_for(1).await;
    first.abort();
    let followers = join_all((0..20).map(|_| ask()));
    let status = rig
        .budget
        .until("/api/v1/providers/resilience-status", |status| {
            status["deduplicator"] == json!({"inFlight": 1, "coalesced": 20})
        });
    let opening = async {
        status.await;
        gate.open();
    };
    let (replies, ()) = within(Box::pin(async { tokio::join!(followers, opening) })).await;

    for reply in &replies {
        let answer = reply.json();
        assert_eq!(answer["text"], "forty-two", "{answer}");
        // The one who started it would have paid.
        assert_eq!(
            (micros(&answer["cost"]), &answer["coalesced"]),
            (0, &json!(true))
        );
    }
    assert_eq!(upstream.received().len(), 1);
    assert_eq!(rig.budget.money().await, (5, 0));
}

#[tokio::test]
async fn a_call_to_a_provider_carries_the_trace_and_the_key() {
    let upstream = Upstream::start().await;
    upstream.answer(Answer::new(StatusCode::OK).with_chunks([completion("hi", (1, 1))]));
    let rig = Rig::start(|config| {
        let key = json!({"api_key": "sk-very-secret"});
        providers(config, &[provider("up", upstream.url("/openai/v1"), &key)]);
        assert!(!format!("{config:?}").contains("very-secret"));
    })
    .await;
    let reply = rig.budget.burst("hello").await;
    let received = upstream.received().remove(0);
    assert_eq!(received.uri, "/openai/v1/chat/completions");
    assert_eq!(received.headers["authorization"], "Bearer sk-very-secret");
    let traceparent = received.headers["traceparent"].to_str().unwrap();
    let trace_id = reply.trace_id().unwrap();
    assert_eq!(traceparent.split('-').nth(1), Some(trace_id));
    let status = rig.budget.get("/api/v1/providers/status").await.text();
    assert!(!status.contains("very-secret"), "{status}");

    let observability = rig.budget.get("/api/v1/system/observability").await.json();
    let spans = observability["tracer"]["spans"].as_array().unwrap();
    let of_trace: Vec<_> = spans
        .iter()
        .filter(|span| span["traceId"] == trace_id)
        .collect();
    // The request, the asking, and the call.
    assert_eq!(of_trace.len(), 3, "{of_trace:#?}");
}

#[tokio::test]
async fn what_keeps_the_calls_sound_is_shown() {
    let simulator = Served::simulator(|_| {}).await;
    let rig = Rig::start(|config| {
        providers(config, &[provider("sim", simulator.url("/"), &json!({}))]);
    })
    .await;
    rig.budget.burst("one").await;
    let status = rig
        .budget
        .get("/api/v1/providers/resilience-status")
        .await
        .json();
    let cache = &status["cache"];
    assert_eq!((&cache["hits"], &cache["misses"]), (&json!(0), &json!(1)));
    assert_eq!(status["rateLimiter"]["allowedRequests"], 1);
    let breaker = &status["circuitBreakers"]["sim"];
    assert_eq!(
        (&breaker["status"], &breaker["callCount"]),
        (&json!("closed"), &json!(1))
    );
    assert_eq!(breaker["lastFailureTime"], Value::Null);
    assert!(status["tracer"]["totalTraces"].as_u64().unwrap() >= 1);
    assert_eq!(
        status["deduplicator"],
        json!({"inFlight": 0, "coalesced": 0})
    );
    assert_eq!(status["budget"]["dailyLimit"], 10.0);
    assert!(status["timestamp"].as_str().unwrap().ends_with('Z'));

    let metrics = rig.budget.get("/metrics").await.text();
    let calls = r#"budget_provider_calls_total{provider="sim"} 1"#;
    assert!(metrics.contains(calls), "{metrics}");
}

//! The simulated provider, as its clients see it.

#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod rig;

use std::time::Duration;

use http::StatusCode;
use rig::{Served, assert_problem};
use serde_json::{Value, json};
use tooloo_testkit::Reply;

const CHAT: &str = "/v1/chat/completions";

fn chat(prompt: &str) -> Value {
    json!({"model": "tooloo-sim-1", "messages": [{"role": "user", "content": prompt}]})
}

fn with(mut chat: Value, more: &Value) -> Value {
    let members = more.as_object().unwrap().clone();
    chat.as_object_mut().unwrap().extend(members);
    chat
}

#[track_caller]
fn assert_error(reply: &Reply, status: u16, r#type: &str, part: &str) {
    assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
    let error = &reply.json()["error"];
    assert_eq!(error["type"], r#type);
    assert!(error["message"].as_str().unwrap().contains(part), "{error}");
}

#[tokio::test]
async fn completes_a_chat_and_counts_its_tokens() {
    let simulator = Served::simulator(|_| {}).await;
    let reply = simulator.post(CHAT, &chat("Explain merge sort")).await;
    assert_eq!(reply.status, StatusCode::OK);
    let answer = reply.json();
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["choices"][0]["message"]["role"], "assistant");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let usage = &answer["usage"];
    // "Explai", "n", " merge", " sort", and seven for the format.
    assert_eq!(usage["prompt_tokens"], 11);
    let total =
        usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"], total);

    let again = simulator
        .post(CHAT, &chat("Explain merge sort"))
        .await
        .json();
    assert_eq!(answer["choices"], again["choices"]);
    assert_ne!(answer["id"], again["id"]);

    let short = with(chat("Explain merge sort"), &json!({"max_tokens": 3}));
    let short = simulator.post(CHAT, &short).await.json();
    assert_eq!(short["usage"]["completion_tokens"], 3);
    assert_eq!(short["choices"][0]["finish_reason"], "length");
}

#[tokio::test]
async fn a_stream_brings_the_same_answer_in_pieces() {
    let simulator = Served::simulator(|_| {}).await;
    let whole = simulator
        .post(CHAT, &chat("Explain quick sort"))
        .await
        .json();
    let streaming = json!({"stream": true, "stream_options": {"include_usage": true}});
    let reply = simulator
        .post(CHAT, &with(chat("Explain quick sort"), &streaming))
        .await;
    assert_eq!(reply.header("content-type"), Some("text/event-stream"));
    let text = reply.text();
    let mut events: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .collect();
    assert_eq!(events.pop(), Some("[DONE]"));
    let chunks: Vec<Value> = events
        .iter()
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["object"] == "chat.completion.chunk")
    );
    let pieces = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    let text: String = pieces.collect();
    assert_eq!(
        text,
        whole["choices"][0]["message"]["content"].as_str().unwrap()
    );
    assert_eq!(chunks[0]["choices"][0]["delta"]["role"], "assistant");
    let [.., last, usage] = chunks.as_slice() else {
        panic!("{chunks:?}");
    };
    assert_eq!(last["choices"][0]["finish_reason"], "stop");
    assert_eq!(usage["usage"], whole["usage"]);

    let stats = simulator.get("/simulator/stats").await.json();
    assert_eq!(
        (&stats["answered"], &stats["inFlight"]),
        (&json!(2), &json!(0))
    );
}

#[tokio::test]
async fn lists_its_models() {
    let simulator = Served::simulator(|_| {}).await;
    let document = simulator.get("/openapi.json").await.json();
    assert!(document["paths"]["/v1/chat/completions"]["post"]["summary"].is_string());
    let models = simulator.get("/v1/models").await.json();
    assert_eq!(
        (&models["object"], &models["data"][0]["id"]),
        (&json!("list"), &json!("tooloo-sim-1"))
    );
}

#[tokio::test]
async fn refuses_a_bad_request_in_the_formats_own_shape() {
    let simulator = Served::simulator(|_| {}).await;
    let invalid = "invalid_request_error";
    for (body, status, part) in [
        (json!({"messages": []}), 400, "model"),
        (json!({"model": "tooloo-sim-1"}), 400, "messages"),
        (
            json!({"model": "tooloo-sim-1", "messages": []}),
            400,
            "`messages` is empty",
        ),
        (
            json!({"model": "tooloo-sim-1", "messages": [{"role": "user"}]}),
            400,
            "content",
        ),
        (
            with(chat("a"), &json!({"model": "gpt-9"})),
            404,
            "`gpt-9` does not exist",
        ),
        (
            with(chat("a"), &json!({"max_tokens": 0})),
            400,
            "`max_tokens` is 0",
        ),
        (
            with(chat("a"), &json!({"max_tokens": -1})),
            400,
            "max_tokens",
        ),
        (with(chat("a"), &json!({"stream": "yes"})), 400, "stream"),
    ] {
        assert_error(&simulator.post(CHAT, &body).await, status, invalid, part);
    }
    let reply = simulator.post_text(CHAT, "application/json", "{").await;
    assert_error(&reply, 400, invalid, "no chat request");
}

#[tokio::test]
async fn fails_and_refuses_as_told_at_run_time() {
    let simulator = Served::simulator(|_| {}).await;
    let set = async |settings: Value| simulator.put("/simulator/settings", &settings).await;
    let shown = set(json!({"errorRate": 1})).await.json();
    assert_eq!(
        (&shown["errorRate"], &shown["rateLimitRate"]),
        (&json!(1.0), &json!(0.0))
    );
    assert_eq!(
        simulator.get("/simulator/settings").await.json()["errorRate"],
        1.0
    );
    assert_error(
        &simulator.post(CHAT, &chat("a")).await,
        500,
        "server_error",
        "error",
    );

    set(json!({"errorRate": 0, "rateLimitRate": 1, "retryAfter": 7})).await;
    let limited = simulator.post(CHAT, &chat("a")).await;
    assert_error(&limited, 429, "requests", "Rate limit reached");
    assert_eq!(limited.header("retry-after"), Some("7"));

    set(json!({"rateLimitRate": 0, "latency": 30})).await;
    let began = tokio::time::Instant::now();
    assert_eq!(
        simulator.post(CHAT, &chat("a")).await.status,
        StatusCode::OK
    );
    assert!(began.elapsed() >= Duration::from_millis(30));

    assert_problem(
        &set(json!({"errorRate": 1.1})).await,
        422,
        "`errorRate` is 1.1",
    );
    assert_problem(&set(json!({"latency": -1})).await, 422, "`latency` is -1");
    assert_problem(&set(json!({"speed": 1})).await, 422, "speed");
    let stats = simulator.get("/simulator/stats").await.json();
    assert_eq!(
        (
            &stats["requests"],
            &stats["failed"],
            &stats["rateLimited"],
            &stats["answered"]
        ),
        (&json!(3), &json!(1), &json!(1), &json!(1))
    );
}

#[tokio::test]
async fn the_same_seed_fails_the_same_requests() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let simulator = Served::simulator(|config| {
            config.error_rate = 0.5;
            config.seed = 42;
        })
        .await;
        let mut statuses = Vec::new();
        for _ in 0..30 {
            statuses.push(simulator.post(CHAT, &chat("again")).await.status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(
        runs[0].contains(&StatusCode::OK) && runs[0].contains(&StatusCode::INTERNAL_SERVER_ERROR)
    );
}

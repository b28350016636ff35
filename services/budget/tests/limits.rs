//! What bounds the service: money, concurrency, waiting.

mod rig;

use futures_util::future::join_all;
use http::StatusCode;
use rig::{Rig, Served, assert_problem, completion, micros, provider, providers, within};
use serde_json::{Value, json};
use tooloo_testkit::{Answer, Gate, Upstream};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_bursts_at_once_never_pass_a_small_daily_limit() {
    let simulator = Served::simulator(|config| config.error_rate = 0.1).await;
    let limit = 4_000;
    let rig = Rig::start(|config| {
        config.daily_limit = budget::Money::from_micros(limit);
        config.max_output_tokens = 128.try_into().unwrap();
        providers(config, &[provider("sim", simulator.url("/"), &json!({}))]);
    })
    .await;
    let prompts: Vec<_> = (0..200).map(|n| format!("question number {n}")).collect();
    let replies = join_all(prompts.iter().map(|prompt| {
        let body = json!({"prompt": prompt, "criticality": "critical"});
        let budget = &rig.budget;
        async move { budget.post("/api/v1/providers/burst", &body).await }
    }));
    let replies = within(replies).await;

    let mut spent = 0;
    let mut refused = 0;
    for reply in &replies {
        match reply.status.as_u16() {
            200 => spent += micros(&reply.json()["cost"]),
            402 => {
                assert_problem(reply, 402, "the daily limit is $0.004000");
                assert!(reply.header("retry-after").is_some());
                refused += 1;
            }
            status => {
                assert_eq!(status, 503, "{}", reply.text());
                refused += u32::from(reply.json()["code"] == "budget_reserved");
            }
        }
    }
    assert!(spent <= limit, "{spent}");
    assert!(spent > 0 && refused > 0, "{spent} spent, {refused} refused");
    // Failed calls have given their reservations back.
    let today = rig
        .budget
        .until("/api/v1/budget", |today| micros(&today["reserved"]) == 0)
        .await;
    assert_eq!(micros(&today["spent"]), spent);
    assert_eq!(today["overruns"], 0);
}

#[tokio::test]
async fn what_matters_more_may_use_what_is_kept_from_the_rest() {
    let simulator = Served::simulator(|_| {}).await;
    let rig = Rig::start(|config| {
        // A call reserves at most 64 + 5 + 50 tokens.
        config.max_output_tokens = 50.try_into().unwrap();
        config.daily_limit = budget::Money::from_micros(150);
        providers(config, &[provider("sim", simulator.url("/"), &json!({}))]);
    })
    .await;
    let ask = async |criticality: &str| {
        let body = json!({"prompt": "tight", "criticality": criticality});
        rig.budget.post("/api/v1/providers/burst", &body).await
    };
    assert_problem(&ask("low").await, 402, "`low` may use $0.000075");
    assert_eq!(ask("normal").await.status, StatusCode::OK);
    // A call that names no criticality has that of the policy.
    let policy = json!({"criticality": "low"});
    let answer = rig
        .budget
        .post("/api/v1/providers/policy", &policy)
        .await
        .json();
    assert_eq!(answer["criticality"], "low");
    assert_problem(&rig.budget.burst_anew("tight").await, 402, "`low`");
}

#[tokio::test]
async fn a_refusal_for_mattering_too_little_is_not_handed_to_who_matters_more() {
    let upstream = Upstream::start().await;
    let gate = Gate::shut();
    let body = completion("yes", (1, 1));
    upstream.answer(
        Answer::new(StatusCode::OK)
            .with_chunks([body])
            .with_gate(gate.clone()),
    );
    let rig = Rig::start(|config| {
        config.max_concurrency = 1.try_into().unwrap();
        config.max_output_tokens = 50.try_into().unwrap();
        config.daily_limit = budget::Money::from_micros(200);
        providers(config, &[provider("up", upstream.url("/"), &json!({}))]);
    })
    .await;
    let ask = |prompt: &str, criticality: &str| {
        let body = json!({"prompt": prompt, "criticality": criticality});
        let url = rig.budget.url("/api/v1/providers/burst");
        tokio::spawn(async move { tooloo_testkit::Client::new().post(url, &body).await })
    };
    // One call holds the only slot, and most of what `low` may use.
    let holder = ask("holder", "critical");
    gate.wait_for(1).await;
    let low = ask("both", "low");
    let in_flight = |n: u64, coalesced: u64| {
        let expected = json!({"inFlight": n, "coalesced": coalesced});
        move |status: &Value| status["deduplicator"] == expected
    };
    rig.budget
        .until("/api/v1/providers/resilience-status", in_flight(2, 0))
        .await;
    let critical = ask("both", "critical");
    rig.budget
        .until("/api/v1/providers/resilience-status", in_flight(2, 1))
        .await;
    gate.open();
    assert_eq!(within(holder).await.unwrap().status, StatusCode::OK);
    assert_eq!(
        within(low).await.unwrap().status,
        StatusCode::PAYMENT_REQUIRED
    );
    let critical = within(critical).await.unwrap();
    assert_eq!(critical.status, StatusCode::OK, "{}", critical.text());
}

#[tokio::test]
async fn as_many_calls_run_at_once_as_the_provider_allows_and_no_more() {
    let upstream = Upstream::start().await;
    let gate = Gate::shut();
    let body = completion("at last", (1, 1));
    let answer = Answer::new(StatusCode::OK).with_chunks([body]);
    upstream.answer(answer.with_gate(gate.clone()));
    let rig = Rig::start(|config| {
        let few = json!({"max_concurrency": 5});
        providers(config, &[provider("up", upstream.url("/"), &few)]);
    })
    .await;
    let asking = join_all((0..12).map(|n| {
        let budget = &rig.budget;
        async move { budget.burst(&format!("question {n}")).await.status }
    }));
    let watching = async {
        gate.wait_for(5).await;
        // The other seven wait for one of the five to end.
        let all_wait = |status: &Value| status["providers"][0]["waiting"] == 7;
        rig.budget.until("/api/v1/providers/status", all_wait).await;
        assert_eq!(gate.waiting(), 5);
        gate.open();
    };
    let (statuses, ()) = within(Box::pin(async { tokio::join!(asking, watching) })).await;
    assert!(
        statuses.iter().all(|status| *status == StatusCode::OK),
        "{statuses:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_calls_run_at_once_than_the_policy_allows() {
    let simulator = Served::simulator(|_| {}).await;
    let rig = Rig::start(|config| {
        providers(config, &[provider("sim", simulator.url("/"), &json!({}))]);
    })
    .await;
    let policy = json!({"maxConcurrency": 2});
    let answer = rig
        .budget
        .post("/api/v1/providers/policy", &policy)
        .await
        .json();
    assert_eq!(answer["maxConcurrency"], 2);
    let asking = (0..40).map(|n| {
        let budget = &rig.budget;
        async move { budget.burst(&format!("question {n}")).await.json()["concurrency"].as_u64() }
    });
    let seen = within(join_all(asking)).await;
    assert!(
        seen.iter().all(|seen| matches!(seen, Some(1 | 2))),
        "{seen:?}"
    );
    let stats = simulator.get("/simulator/stats").await.json();
    assert_eq!(stats["requests"], 40);
    assert!(stats["mostInFlight"].as_u64() <= Some(2), "{stats}");
}

#[tokio::test]
async fn whoever_finds_the_queue_full_is_told_to_come_back() {
    let upstream = Upstream::start().await;
    let gate = Gate::shut();
    let body = completion("late", (1, 1));
    upstream.answer(
        Answer::new(StatusCode::OK)
            .with_chunks([body])
            .with_gate(gate.clone()),
    );
    let rig = Rig::start(|config| {
        config.max_concurrency = 1.try_into().unwrap();
        config.max_waiting = 1;
        providers(config, &[provider("up", upstream.url("/"), &json!({}))]);
    })
    .await;
    let waiting = async {
        rig.budget
            .until("/api/v1/providers/status", |status| status["waiting"] == 1)
            .await;
        let reply = rig.budget.burst("three").await;
        gate.open();
        reply
    };
    let first = rig.budget.burst("one");
    let second = async {
        gate.wait_for(1).await;
        rig.budget.burst("two").await
    };
    let (first, second, third) =
        within(Box::pin(async { tokio::join!(first, second, waiting) })).await;
    assert_eq!(
        (first.status, second.status),
        (StatusCode::OK, StatusCode::OK)
    );
    assert_problem(&third, 503, "as many calls wait as may wait");
    assert_eq!(third.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_burst_that_waits_too_long_is_let_down_and_may_have_cost_all_it_can() {
    let upstream = Upstream::start().await;
    let gate = Gate::shut();
    upstream.answer(Answer::new(StatusCode::OK).with_gate(gate.clone()));
    let rig = Rig::start(|config| {
        config.deadline = std::time::Duration::from_millis(200);
        providers(config, &[provider("up", upstream.url("/"), &json!({}))]);
    })
    .await;
    assert_problem(
        &rig.budget.burst("slow").await,
        504,
        "no provider answered in time",
    );
    assert_eq!(upstream.received().len(), 1);
    // The prompt, what the format adds to it, and the longest answer.
    assert_eq!(rig.budget.money().await, (4 + 64 + 512, 0));
}

#[tokio::test]
async fn room_that_running_calls_have_reserved_is_worth_a_second_try() {
    let upstream = Upstream::start().await;
    let gate = Gate::shut();
    let answer = Answer::new(StatusCode::OK).with_chunks([completion("yes", (1, 1))]);
    upstream.answer(answer.with_gate(gate.clone()));
    let rig = Rig::start(|config| {
        config.daily_limit = budget::Money::from_micros(800);
        providers(config, &[provider("up", upstream.url("/"), &json!({}))]);
    })
    .await;
    let second = async {
        gate.wait_for(1).await;
        let refused = rig.budget.burst("two").await;
        gate.open();
        refused
    };
    let (first, refused) = within(Box::pin(async {
        tokio::join!(rig.budget.burst("one"), second)
    }))
    .await;
    assert_eq!(first.status, StatusCode::OK);
    assert_problem(&refused, 503, "$0.000579 is reserved");
    assert_eq!(refused.json()["code"], "budget_reserved");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(rig.budget.burst("two").await.status, StatusCode::OK);
}

//! What is booked, and what is still there after a restart.

#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod rig;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::future::join_all;
use http::{Method, StatusCode};
use rig::{
    Program, Rig, Served, assert_problem, budget_in, micros, provider, providers, settings_in,
    within,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tooloo_testkit::{Answer, Client, Gate, Upstream, client::request};

#[tokio::test]
async fn a_workflow_is_booked_once_against_its_cohort_and_the_day() {
    let rig = Rig::start(|config| {
        config.cohorts = serde_json::from_value(json!({
            "named": {"power": {"daily_limit": 2, "workflow_limit": 0.5}},
        }))
        .unwrap();
    })
    .await;
    let workflow = json!({"cohort": "power", "workflowId": "w-1", "cost": 0.4});
    let first = rig
        .budget
        .post("/api/v1/budget/record-workflow", &workflow)
        .await
        .json();
    assert_eq!(
        (&first["recorded"], &first["spentToday"]),
        (&json!(true), &json!(0.4))
    );
    let again = rig
        .budget
        .post("/api/v1/budget/record-workflow", &workflow)
        .await
        .json();
    assert_eq!(
        (&again["recorded"], &again["spentToday"]),
        (&json!(false), &json!(0.4))
    );
    let failed = json!({"cohort": "power", "cost": 0.2, "succeeded": false});
    rig.budget
        .post("/api/v1/budget/record-workflow", &failed)
        .await;

    let metrics = rig.budget.get("/api/v1/budget/metrics/power").await.json();
    assert_eq!(
        (&metrics["workflows"], &metrics["failed"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(
        (&metrics["spent"], &metrics["averageCost"]),
        (&json!(0.6), &json!(0.3))
    );
    assert_eq!(metrics["successRate"], 0.5);
    let unknown = rig.budget.get("/api/v1/budget/metrics/nobody").await.json();
    assert_eq!(
        (&unknown["workflows"], &unknown["averageCost"]),
        (&json!(0), &Value::Null)
    );
    assert_eq!(unknown["successRate"], Value::Null);

    let policy = rig.budget.get("/api/v1/budget/policy/power").await.json();
    assert_eq!(
        (&policy["source"], &policy["remainingToday"]),
        (&json!("own"), &json!(1.4))
    );
    let default = rig.budget.get("/api/v1/budget/policy/nobody").await.json();
    assert_eq!(
        (&default["source"], &default["dailyLimit"]),
        (&json!("default"), &json!(1.0))
    );
    assert_eq!(rig.budget.money().await, (600_000, 0));

    let history = rig
        .budget
        .get("/api/v1/budget/history?entries=1")
        .await
        .json();
    assert_eq!(
        (&history["days"][0]["spent"], &history["days"][0]["count"]),
        (&json!(0.6), &json!(2))
    );
    assert_eq!(history["entries"].as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &history["entries"][0]["cost"],
            &history["entries"][0]["name"]
        ),
        (&json!(0.2), &json!("power"))
    );
}

#[tokio::test]
async fn an_amount_is_affordable_until_the_first_limit() {
    let rig = Rig::start(|_| {}).await;
    for (request, affordable, limit, available) in [
        (json!({"cost": 8}), true, Value::Null, 8.0),
        (json!({"cost": 8.000_001}), false, json!("daily"), 8.0),
        (
            json!({"cost": 9, "criticality": "critical"}),
            true,
            Value::Null,
            10.0,
        ),
        (
            json!({"cost": 0.25, "cohort": "a"}),
            true,
            Value::Null,
            0.25,
        ),
        (
            json!({"cost": 0.3, "cohort": "a"}),
            false,
            json!("workflow"),
            0.25,
        ),
    ] {
        let answer = rig
            .budget
            .post("/api/v1/budget/can-afford", &request)
            .await
            .json();
        assert_eq!(
            (
                &answer["affordable"],
                &answer["limit"],
                &answer["available"]
            ),
            (&json!(affordable), &limit, &json!(available)),
            "{request}"
        );
    }
    for n in 0..5 {
        let workflow = json!({"cost": 0.18, "cohort": "a", "workflowId": format!("w{n}")});
        rig.budget
            .post("/api/v1/budget/record-workflow", &workflow)
            .await;
    }
    let request = json!({"cost": 0.2, "cohort": "a"});
    let answer = rig
        .budget
        .post("/api/v1/budget/can-afford", &request)
        .await
        .json();
    assert_eq!(
        (&answer["limit"], &answer["available"]),
        (&json!("cohortDaily"), &json!(0.1))
    );
}

#[tokio::test]
async fn no_more_cohorts_are_kept_apart_than_set() {
    let rig = Rig::start(|config| config.max_cohorts = 2.try_into().unwrap()).await;
    let record = async |cohort: &str| {
        let workflow = json!({"cost": 0.01, "cohort": cohort});
        rig.budget
            .post("/api/v1/budget/record-workflow", &workflow)
            .await
    };
    for cohort in ["a", "b", "a"] {
        assert_eq!(record(cohort).await.status, StatusCode::OK);
    }
    assert_problem(&record("c").await, 409, "`cohort` is new");
    assert_eq!(rig.budget.money().await, (30_000, 0));
}

#[tokio::test]
async fn a_restart_keeps_the_ledger_and_the_policy() {
    let simulator = Served::simulator(|_| {}).await;
    let folder = TempDir::new().unwrap();
    let start = || {
        budget_in(folder.path(), |config| {
            providers(config, &[provider("sim", simulator.url("/"), &json!({}))]);
        })
    };
    let budget = start().await;
    let cost = micros(&budget.burst("remember me").await.json()["cost"]);
    let policy = json!({"maxConcurrency": 3, "criticality": "high"});
    budget.post("/api/v1/providers/policy", &policy).await;
    budget
        .post("/api/v1/providers/policy", &json!({"maxConcurrency": 4}))
        .await;
    let before = budget.get("/api/v1/budget/history").await.json();
    budget.stop().await;

    let budget = start().await;
    assert_eq!(budget.money().await, (cost, 0));
    let policy = budget.get("/api/v1/providers/policy").await.json();
    assert_eq!(
        (&policy["maxConcurrency"], &policy["criticality"]),
        (&json!(4), &json!("high"))
    );
    let after = budget.get("/api/v1/budget/history").await.json();
    assert_eq!(
        (&before["days"], &before["entries"]),
        (&after["days"], &after["entries"])
    );
}

#[tokio::test]
async fn a_drain_waits_until_the_last_call_is_booked() {
    let upstream = Upstream::start().await;
    let gate = Gate::shut();
    upstream.answer(Answer::new(StatusCode::OK).with_gate(gate.clone()));
    let folder = TempDir::new().unwrap();
    let mut settings = settings_in(folder.path()).await;
    settings.kit.drain_deadline = Duration::from_secs(1);
    let list = [provider("up", upstream.url("/"), &json!({}))];
    providers(&mut settings.domain, &list);
    let budget = Served::start(budget::app(settings).await.unwrap()).await;
    let url = budget.url("/api/v1/providers/burst");
    let body = json!({"prompt": "last"});
    let asking = tokio::spawn(async move { Client::new().post(url, &body).await });
    within(gate.wait_for(1)).await;
    // The call outlives its asker, and the provider never answers.
    asking.abort();
    budget.stop().await;

    let budget = budget_in(folder.path(), |_| {}).await;
    assert_eq!(budget.money().await, (4 + 64 + 512, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_nothing_that_was_answered() {
    let simulator = Served::simulator(|config| config.latency = Duration::from_millis(2)).await;
    let provider = simulator.url("/");
    let folder = TempDir::new().unwrap();
    let start = || Program::start(folder.path(), &provider, None);
    let mut program = start().await;
    let answered = Arc::new(Mutex::new(Vec::new()));
    let asking: Vec<_> = (0..64)
        .map(|n| {
            let url = program.url("/api/v1/providers/burst");
            tokio::spawn(ask_until_it_breaks(url, n, Arc::clone(&answered)))
        })
        .collect();
    let enough = async {
        while answered.lock().unwrap().len() < 100 {
            tokio::task::yield_now().await;
        }
    };
    within(enough).await;
    program.kill();
    for asked in within(join_all(asking)).await {
        asked.unwrap();
    }

    let program = start().await;
    let history = program.url("/api/v1/budget/history?entries=1000");
    let history = within(Client::new().get(history)).await.json();
    let entries = history["entries"].as_array().unwrap();
    assert!(entries.len() < 1_000, "all of them are shown");
    let booked: Vec<u64> = entries.iter().map(|entry| micros(&entry["cost"])).collect();
    let spent = micros(&history["days"][0]["spent"]);
    assert_eq!(spent, booked.iter().sum::<u64>());
    // Every answer that arrived has a line of its own.
    let mut lines = booked;
    for cost in answered.lock().unwrap().iter() {
        let line = lines.iter().position(|booked| booked == cost);
        lines.swap_remove(line.unwrap_or_else(|| panic!("{cost} was answered and is not booked")));
    }
}

/// Asks one thing after the other, and notes what each answer cost.
async fn ask_until_it_breaks(url: String, asker: u32, answered: Arc<Mutex<Vec<u64>>>) {
    let client = Client::new();
    for round in 0.. {
        let body = json!({"prompt": format!("asker {asker} round {round}")});
        match client
            .try_send(request(Method::POST, &url, Some(&body)))
            .await
        {
            Ok(reply) => {
                assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
                answered.lock().unwrap().push(micros(&reply.json()["cost"]));
            }
            Err(_) => return,
        }
    }
}

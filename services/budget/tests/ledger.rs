//! What is booked, and what is still there after a restart.

mod rig;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use futures_util::future::join_all;
use http::StatusCode;
use rig::{Rig, Served, assert_problem, budget_in, micros, provider, providers, within};
use serde_json::{Value, json};
use tempfile::TempDir;
use tooloo_testkit::Client;

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

/// The program itself, killed where it is dropped.
struct Program(Child);

impl Program {
    /// Starts the program on a port that the system gives, and returns once it serves there.
    async fn start(folder: &TempDir, provider: &str) -> (Self, String) {
        let config = folder.path().join("tooloo.toml");
        let text = format!(
            "data_dir = {:?}\nport = {}\nlog_format = \"json\"\n[[budget.providers]]\nname = \"sim\"\nbase_url = \"{provider}\"\n\
             model = \"tooloo-sim-1\"\nprices = {{ input = 1, output = 1 }}\n",
            folder.path().join("data"),
            free_port().await,
        );
        std::fs::write(&config, &text).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_budget"))
            .arg("--config")
            .arg(&config)
            .env_clear()
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            errors
                .lines()
                .map_while(Result::ok)
                .for_each(|line| eprintln!("{line}"))
        });
        let port = text
            .lines()
            .find_map(|line| line.strip_prefix("port = "))
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let program = Self(child);
        let ready = async {
            loop {
                let ready = tooloo_testkit::client::request(
                    http::Method::GET,
                    format!("{url}/readyz"),
                    None,
                );
                match Client::new().try_send(ready).await {
                    Ok(reply) if reply.status == StatusCode::OK => return,
                    _ => tokio::task::yield_now().await,
                }
            }
        };
        within(ready).await;
        (program, url)
    }

    /// Ends the program as `kill -9` does.
    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn free_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_loses_nothing_that_was_answered() {
    let simulator = Served::simulator(|config| {
        config.latency = std::time::Duration::from_millis(2);
    })
    .await;
    let folder = TempDir::new().unwrap();
    let (mut program, url) = Program::start(&folder, &simulator.url("/")).await;
    let answered = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let asking = (0..64).map(|n| {
        let (url, answered) = (format!("{url}/api/v1/providers/burst"), answered.clone());
        tokio::spawn(async move {
            let client = Client::new();
            for round in 0.. {
                let body = json!({"prompt": format!("asker {n} round {round}")});
                let request =
                    tooloo_testkit::client::request(http::Method::POST, &url, Some(&body));
                match client.try_send(request).await {
                    Ok(reply) if reply.status == StatusCode::OK => {
                        answered.lock().unwrap().push(micros(&reply.json()["cost"]));
                    }
                    Ok(reply) => panic!("{}", reply.text()),
                    Err(_) => return,
                }
            }
        })
    });
    let asking: Vec<_> = asking.collect();
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

    let (_program, url) = Program::start(&folder, &simulator.url("/")).await;
    let history = Client::new()
        .get(format!("{url}/api/v1/budget/history?entries=1000"))
        .await
        .json();
    let answered = answered.lock().unwrap();
    let mut booked: Vec<u64> = history["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| micros(&entry["cost"]))
        .collect();
    assert!(booked.len() < 1_000, "all of them are shown");
    // Every answer that arrived has a line of its own.
    for cost in answered.iter() {
        let line = booked.iter().position(|booked| booked == cost);
        booked.swap_remove(line.unwrap_or_else(|| panic!("{cost} was answered and is not booked")));
    }
    let total: u64 = answered.iter().chain(&booked).sum();
    assert_eq!(micros(&history["days"][0]["spent"]), total);
}

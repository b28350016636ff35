//! A database that is not the service's alone.

#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod rig;

use budget::{BudgetConfig, Money};
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::StatusCode;
use rig::{
    Served, assert_problem, budget_in, completion, provider, providers, settings_in, within,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tooloo_service::Secret;
use tooloo_testkit::{Answer, Gate, PostgresServer, Upstream};

/// What each call may cost: the prompt, what the format adds to it, and the longest answer.
const MOST: u64 = 8 + 64 + 512;

/// How many calls the limit has room for, until one of them turns out to cost less.
const ROOM: usize = 7;

/// A provider that answers once the gate is open, and then for little.
async fn upstream(gate: &Gate) -> Upstream {
    let upstream = Upstream::start().await;
    let answer = Answer::new(StatusCode::OK).with_chunks([completion("yes", (1, 1))]);
    upstream.answer(answer.with_gate(gate.clone()));
    upstream
}

fn limited(upstream: &Upstream) -> impl Fn(&mut BudgetConfig) {
    let list = [provider("up", upstream.url("/"), &json!({}))];
    move |config| {
        config.daily_limit = Money::from_micros(MOST * ROOM as u64 + MOST / 2);
        providers(config, &list);
    }
}

/// Asks both services at once, and sees that they leave each other as much as one would leave itself.
async fn share_the_limit(one: &Served, two: &Served, gate: &Gate) {
    let burst = async |budget: &Served, n: usize| {
        let body = json!({"prompt": format!("prompt{n:02}"), "criticality": "critical"});
        budget.post("/api/v1/providers/burst", &body).await
    };
    let all = 20;
    let mut asking = FuturesUnordered::new();
    for n in 0..all {
        asking.push(burst(one, n));
        asking.push(burst(two, n + all));
    }
    // None of those that were called has been answered when the last one is refused.
    for _ in ROOM..2 * all {
        let refused = within(asking.next()).await.unwrap();
        assert_problem(&refused, 503, "is reserved today");
    }
    within(gate.wait_for(ROOM)).await;
    assert_eq!(gate.waiting(), ROOM);
    for budget in [one, two] {
        assert_eq!(budget.money().await, (0, MOST * ROOM as u64));
    }
    gate.open();
    while let Some(answered) = within(asking.next()).await {
        assert_eq!(answered.status, StatusCode::OK, "{}", answered.text());
    }
    for budget in [one, two] {
        assert_eq!(budget.money().await, (2 * ROOM as u64, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn never_pass_the_limit_together() {
    let gate = Gate::shut();
    let upstream = upstream(&gate).await;
    let folder = TempDir::new().unwrap();
    let one = budget_in(folder.path(), limited(&upstream)).await;
    let two = budget_in(folder.path(), limited(&upstream)).await;
    share_the_limit(&one, &two, &gate).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn on_one_postgres_never_pass_the_limit_together() {
    let server = PostgresServer::start().await;
    let gate = Gate::shut();
    let upstream = upstream(&gate).await;
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let start = async |folder: &TempDir| {
        let mut settings = settings_in(folder.path()).await;
        settings.kit.database_url = Some(Secret::new(server.url()));
        limited(&upstream)(&mut settings.domain);
        Served::start(budget::app(settings).await.unwrap()).await
    };
    let (one, two) = (start(&folders[0]).await, start(&folders[1]).await);
    share_the_limit(&one, &two, &gate).await;
    one.stop().await;
    two.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL"]
async fn a_call_is_booked_although_postgres_restarts_while_it_runs() {
    let mut server = PostgresServer::start().await;
    let gate = Gate::shut();
    let upstream = upstream(&gate).await;
    let folder = TempDir::new().unwrap();
    let mut settings = settings_in(folder.path()).await;
    settings.kit.database_url = Some(Secret::new(server.url()));
    limited(&upstream)(&mut settings.domain);
    let budget = Served::start(budget::app(settings).await.unwrap()).await;
    let restarting = async {
        gate.wait_for(1).await;
        server.kill().await;
        gate.open();
        server.start_again().await;
    };
    let (answered, ()) = within(Box::pin(async {
        tokio::join!(budget.burst("hold on"), restarting)
    }))
    .await;
    assert_eq!(answered.status, StatusCode::OK, "{}", answered.text());
    assert_eq!(budget.money().await, (2, 0));
    budget.stop().await;
}

#[tokio::test]
async fn follow_the_policy_that_one_of_them_is_told() {
    let folder = TempDir::new().unwrap();
    let one = budget_in(folder.path(), |_| {}).await;
    let two = budget_in(folder.path(), |_| {}).await;
    let wanted = json!({"maxConcurrency": 3, "criticality": "low"});
    one.post("/api/v1/providers/policy", &wanted).await;
    let followed = two.get("/api/v1/providers/policy").await.json();
    assert_eq!(
        (&followed["maxConcurrency"], &followed["criticality"]),
        (&json!(3), &json!("low"))
    );
    // Also where nobody asks for the policy itself.
    two.post("/api/v1/providers/policy", &json!({"criticality": "high"}))
        .await;
    let decided = |answer: &Value| answer["criticality"] == "high";
    one.until("/api/v1/providers/recommend", decided).await;
}

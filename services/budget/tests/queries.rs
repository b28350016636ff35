//! What the service asks of its database.

#![allow(clippy::unwrap_used, reason = "a test panics where something is wrong")]

mod rig;

use http::StatusCode;
use rig::{Rig, nowhere, provider, providers};
use serde_json::json;
use tooloo_query::{Dialect, analyze};
use tooloo_testkit::{Answer, Upstream};

#[tokio::test]
async fn no_statement_breaks_a_rule() {
    let upstream = Upstream::start().await;
    let answer = Answer::new(StatusCode::OK).with_chunks([rig::completion("yes", (1, 1))]);
    upstream.answer(answer);
    // The first one is called in vain, so that money is given back.
    let away = nowhere().await;
    let dear = json!({"prices": {"input": 2, "output": 2}});
    let rig = Rig::start(|config| {
        let list = [
            provider("away", away, &json!({})),
            provider("up", upstream.url("/"), &dear),
        ];
        providers(config, &list);
    })
    .await;
    let budget = &rig.budget;
    assert_eq!(budget.burst("one").await.status, StatusCode::OK);
    let policy = json!({"maxConcurrency": 3});
    let workflow = json!({"cohort": "power", "workflowId": "w-1", "cost": 0.4});
    let amount = json!({"cost": 1, "cohort": "power"});
    for (path, body) in [
        ("/api/v1/providers/policy", &policy),
        ("/api/v1/budget/record-workflow", &workflow),
        ("/api/v1/budget/can-afford", &amount),
    ] {
        let reply = budget.post(path, body).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
    }
    for path in [
        "/api/v1/providers/resilience-status",
        "/api/v1/providers/status",
        "/api/v1/providers/costs",
        "/api/v1/providers/recommend",
        "/api/v1/providers/policy",
        "/api/v1/budget",
        "/api/v1/budget/history",
        "/api/v1/budget/policy/power",
        "/api/v1/budget/metrics/power",
        "/readyz",
    ] {
        let reply = budget.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
    }

    let queries = budget.get("/api/v1/system/observability").await.json()["queries"].clone();
    let fingerprints = queries["fingerprints"].as_array().unwrap();
    let texts: Vec<_> = fingerprints
        .iter()
        .map(|fingerprint| fingerprint["sql"].as_str().unwrap())
        .collect();
    for expected in [
        "INSERT INTO reservations",
        "DELETE FROM reservations WHERE id",
        "DELETE FROM reservations WHERE expires_at",
        "INSERT INTO entries",
        "INSERT INTO totals",
        "INSERT INTO cohorts",
        "INSERT INTO policy",
        "SELECT version",
        "SELECT time",
        "SELECT name",
    ] {
        let found = texts
            .iter()
            .any(|text| text.to_lowercase().starts_with(&expected.to_lowercase()));
        assert!(found, "{expected}: {texts:#?}");
    }
    for fingerprint in fingerprints {
        assert_eq!(fingerprint["findings"], json!([]), "{fingerprint}");
    }
    assert_eq!(queries["findings"], json!([]));
    // Nor would it in the other database.
    for text in texts {
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let findings = analyze(&text.replace('?', "$1"), dialect);
            assert_eq!(findings.unwrap(), [], "{dialect}: {text}");
        }
    }
}

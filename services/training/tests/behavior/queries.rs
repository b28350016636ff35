//! What the service asks its database.

use http::StatusCode;
use serde_json::json;
use tempfile::TempDir;

use crate::call::{get, post, training};

#[tokio::test]
async fn no_statement_breaks_a_rule() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    for (path, body) in [
        ("start", json!({})),
        ("start", json!({"topic": "databases"})),
        ("round", json!({"correct": true})),
        ("round", json!({"correct": true, "topic": "compilers"})),
        ("new-topic", json!({"name": "Sets"})),
    ] {
        let (status, answer) = post(&router, &format!("/api/v1/training/{path}"), &body).await;
        assert_eq!(status, StatusCode::CREATED, "{path}: {answer}");
    }
    for path in [
        "training/overview",
        "training/active",
        "training/deep-dive/databases",
        "training/progress",
        "training/progress?topic=databases",
        "training/history",
        "training/history?topic=databases",
        "training/history?since=1999-01-01T00:00:00Z",
        "next-domain",
    ] {
        let (status, answer) = get(&router, &format!("/api/v1/{path}")).await;
        assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    }

    let (_, figures) = get(&router, "/api/v1/system/observability").await;
    let queries = &figures["queries"];
    let statements = queries["fingerprints"].as_array().unwrap();
    for table in ["topics", "states", "sessions", "rounds"] {
        let named = |sql: &str| sql.to_lowercase().contains(table);
        let known = statements
            .iter()
            .any(|one| one["sql"].as_str().is_some_and(named));
        assert!(known, "{table}: {queries}");
    }
    for statement in statements {
        assert_eq!(statement["findings"], json!([]), "{statement}");
    }
    // Nor is one asked again and again for a single request.
    assert_eq!(queries["findings"], json!([]));
}

//! Bad input gets a problem that names what is wrong.

mod rig;

use rig::{Rig, assert_problem};
use serde_json::json;

const BURST: &str = "/api/v1/providers/burst";
const POLICY: &str = "/api/v1/providers/policy";
const AFFORD: &str = "/api/v1/budget/can-afford";
const RECORD: &str = "/api/v1/budget/record-workflow";

#[tokio::test]
async fn a_bad_body_is_refused_by_field() {
    let rig = Rig::start(|config| config.max_prompt_bytes = 100.try_into().unwrap()).await;
    let long = "x".repeat(101);
    for (path, body, status, part) in [
        (BURST, json!({}), 422, "prompt"),
        (BURST, json!({"prompt": 7}), 422, "prompt"),
        (BURST, json!({"prompt": " \n"}), 422, "`prompt` is empty"),
        (
            BURST,
            json!({"prompt": long}),
            413,
            "`prompt` has 101 bytes, 100 are allowed",
        ),
        (
            BURST,
            json!({"prompt": "a", "ttlSeconds": -1}),
            422,
            "ttlSeconds",
        ),
        (
            BURST,
            json!({"prompt": "a", "ttlSeconds": 1.5}),
            422,
            "ttlSeconds",
        ),
        (
            BURST,
            json!({"prompt": "a", "ttlSeconds": 86_401}),
            422,
            "`ttlSeconds` is 86401",
        ),
        (
            BURST,
            json!({"prompt": "a", "criticality": "urgent"}),
            422,
            "criticality",
        ),
        (BURST, json!(["prompt"]), 422, ""),
        (
            POLICY,
            json!({"maxConcurrency": 0}),
            422,
            "`maxConcurrency` is 0",
        ),
        (
            POLICY,
            json!({"maxConcurrency": 1025}),
            422,
            "not between 1 and 1024",
        ),
        (
            POLICY,
            json!({"maxConcurrency": "many"}),
            422,
            "maxConcurrency",
        ),
        (POLICY, json!({"criticality": 1}), 422, "criticality"),
        (POLICY, json!({"maxConcurency": 4}), 422, "maxConcurency"),
        (AFFORD, json!({}), 422, "cost"),
        (AFFORD, json!({"cost": -0.01}), 422, "cost"),
        (AFFORD, json!({"cost": 1e300}), 422, "cost"),
        (AFFORD, json!({"cost": "a dime"}), 422, "cost"),
        (AFFORD, json!({"cost": 1, "cohort": "a b"}), 422, "cohort"),
        (RECORD, json!({"cost": null}), 422, "cost"),
        (RECORD, json!({"cost": 1, "cohort": ""}), 422, "cohort"),
        (
            RECORD,
            json!({"cost": 1, "succeeded": "yes"}),
            422,
            "succeeded",
        ),
        (
            RECORD,
            json!({"cost": 1, "workflowId": ""}),
            422,
            "`workflowId` has 0 bytes",
        ),
        (
            RECORD,
            json!({"cost": 1, "workflowId": "a\u{0}"}),
            422,
            "`workflowId` has a NUL",
        ),
    ] {
        let reply = rig.budget.post(path, &body).await;
        assert_problem(&reply, status, part);
    }
    // Nothing of it was booked, and nothing changed.
    assert_eq!(rig.budget.money().await, (0, 0));
    let policy = rig.budget.get(POLICY).await.json();
    assert_eq!(
        (&policy["maxConcurrency"], &policy["criticality"]),
        (&json!(16), &json!("normal"))
    );
}

#[tokio::test]
async fn what_is_no_json_is_refused() {
    let rig = Rig::start(|_| {}).await;
    for (content_type, body, status, part) in [
        ("application/json", "{", 400, "not JSON"),
        ("application/json", "", 400, "expected a JSON body"),
        ("application/json", "\u{0}", 400, "not JSON"),
        (
            "text/plain",
            "{\"prompt\": \"hi\"}",
            415,
            "application/json",
        ),
    ] {
        for path in [BURST, POLICY, AFFORD, RECORD] {
            let reply = rig.budget.post_text(path, content_type, body).await;
            assert_problem(&reply, status, part);
        }
    }
    let huge = format!("{{\"prompt\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
    let reply = rig.budget.post_text(BURST, "application/json", &huge).await;
    assert_problem(&reply, 413, "");
}

#[tokio::test]
async fn a_bad_query_or_path_is_refused_by_name() {
    let rig = Rig::start(|_| {}).await;
    for (path, status, part) in [
        ("/api/v1/providers/burst", 400, "prompt"),
        ("/api/v1/providers/burst?prompt=", 422, "`prompt` is empty"),
        (
            "/api/v1/providers/burst?prompt=a&ttlSeconds=soon",
            400,
            "ttlSeconds",
        ),
        (
            "/api/v1/providers/burst?prompt=a&criticality=urgent",
            400,
            "criticality",
        ),
        (
            "/api/v1/providers/recommend?criticality=urgent",
            400,
            "criticality",
        ),
        (
            "/api/v1/providers/recommend?promptBytes=-1",
            400,
            "promptBytes",
        ),
        ("/api/v1/budget/history?days=0", 422, "`days` is 0"),
        (
            "/api/v1/budget/history?days=401",
            422,
            "not between 1 and 400",
        ),
        ("/api/v1/budget/history?days=x", 400, "days"),
        (
            "/api/v1/budget/history?entries=1001",
            422,
            "`entries` is 1001",
        ),
        ("/api/v1/budget/policy/a%20b", 400, "cohort"),
        ("/api/v1/budget/metrics/%FF", 400, ""),
        ("/api/v1/budget/policies", 404, ""),
    ] {
        assert_problem(&rig.budget.get(path).await, status, part);
    }
    let wrong_method = rig.budget.get(RECORD).await;
    assert_problem(&wrong_method, 405, "");
}

#[tokio::test]
async fn the_openapi_document_describes_every_operation() {
    let rig = Rig::start(|_| {}).await;
    let document = rig.budget.get("/openapi.json").await.json();
    let operation = |method: &str, path: &str| {
        let operation = &document["paths"][path][method];
        assert!(
            operation["summary"].is_string(),
            "{method} {path}: {operation}"
        );
        operation["operationId"].as_str().unwrap().to_owned()
    };
    assert_eq!(operation("post", BURST), "burst");
    assert_eq!(operation("get", BURST), "burst_by_query");
    for path in [
        "/api/v1/providers/resilience-status",
        "/api/v1/providers/status",
        "/api/v1/providers/costs",
        "/api/v1/providers/recommend",
        "/api/v1/providers/realtime",
        POLICY,
        "/api/v1/budget",
        "/api/v1/budget/history",
        "/api/v1/budget/policy/{cohort}",
        "/api/v1/budget/metrics/{cohort}",
    ] {
        operation("get", path);
    }
    for path in [POLICY, AFFORD, RECORD] {
        operation("post", path);
    }
}

#[tokio::test]
async fn a_provider_whose_key_is_missing_is_an_error_that_names_the_variable() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut settings = rig::settings_in(folder.path()).await;
    let key = json!({"api_key_env": "TOOLOO_TEST_NO_SUCH_KEY"});
    rig::providers(
        &mut settings.domain,
        &[rig::provider("up", "http://127.0.0.1:1", &key)],
    );
    let error = budget::app(settings).await.unwrap_err().to_string();
    assert!(
        error.contains("`up`") && error.contains("`TOOLOO_TEST_NO_SUCH_KEY`"),
        "{error}"
    );
}

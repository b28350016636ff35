//! What the services tell of their databases, and how they are resized.

use http::{HeaderValue, Method, header};
use serde_json::{Value, json};
use tooloo_testkit::{
    PostgresServer,
    client::{Client, Reply, request},
    fleet::{FleetProcess, Launch},
};

use crate::{
    fleet,
    shape::{POOL, QUERIES, assert_shape},
};

const SETTINGS: &str = "drain_grace = '0s'\nadmin_token = 'sesame'\n";

/// The services that keep data.
const KEEPING: [&str; 6] = [
    "training",
    "budget",
    "coach",
    "segmentation",
    "reports",
    "capabilities",
];

/// Requests that have each of them read and write.
const ASKS: [(&str, &str, Option<&str>); 13] = [
    ("training", "/api/v1/training/overview", None),
    (
        "training",
        "/api/v1/training/new-topic",
        Some(r#"{"name": "Databases of databases"}"#),
    ),
    (
        "training",
        "/api/v1/training/round",
        Some(r#"{"correct": true}"#),
    ),
    ("training", "/api/v1/training/history", None),
    (
        "budget",
        "/api/v1/providers/burst",
        Some(r#"{"prompt": "Which tables?"}"#),
    ),
    ("budget", "/api/v1/budget/history", None),
    (
        "coach",
        "/api/v1/auto-coach/boost",
        Some(r#"{"rounds": 2}"#),
    ),
    (
        "coach",
        "/api/v1/auto-coach/settings",
        Some(r#"{"intervalSeconds": 77}"#),
    ),
    (
        "segmentation",
        "/api/v1/segmentation/configure",
        Some(r#"{"keywords": 7}"#),
    ),
    ("segmentation", "/api/v1/segmentation/status", None),
    ("reports", "/api/v1/reports/comprehensive", None),
    ("reports", "/api/v1/reports/delta", None),
    ("capabilities", "/api/v1/capabilities/status", None),
];

#[tokio::test]
async fn services_tell_of_their_pools_and_queries() {
    assert_told(fleet(SETTINGS)).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn services_tell_of_their_pools_and_queries_on_postgres() {
    let server = PostgresServer::start_with(&["max_connections=200"]).await;
    assert_told(fleet(SETTINGS).with_env("TOOLOO_DATABASE_URL", server.url())).await;
}

async fn assert_told(launch: Launch) {
    let fleet = launch.start().await;
    let client = Client::new();
    for (service, path, body) in ASKS {
        let url = fleet.url(service, path);
        let reply = match body {
            Some(body) => {
                let body: Value = serde_json::from_str(body).expect("the bodies are JSON");
                client.send(request(Method::POST, url, Some(&body))).await
            }
            None => client.get(url).await,
        };
        assert!(
            reply.status.is_success(),
            "{service} {path}: {}",
            reply.text()
        );
    }
    for service in KEEPING {
        let told = observability(&client, &fleet, service).await;
        assert_shape(&format!("{service}.pool"), &told["pool"], POOL);
        assert_shape(&format!("{service}.queries"), &told["queries"], QUERIES);
        assert!(
            told["pool"]["acquired"].as_u64() > Some(0),
            "{service}: {told}"
        );
        assert_eq!(told["pool"]["inUse"], 0, "{service}: {told}");
        assert!(
            told["queries"]["executed"].as_u64() > Some(0),
            "{service}: {told}"
        );
        // What is issued is free of anti-patterns, and no request asks one by one for what it could have at once.
        assert_eq!(told["queries"]["findings"], json!([]), "{service}");
        for fingerprint in told["queries"]["fingerprints"]
            .as_array()
            .into_iter()
            .flatten()
        {
            assert_eq!(
                fingerprint["findings"],
                json!([]),
                "{service}: {fingerprint}"
            );
        }
        let health = client.get(fleet.url(service, "/health")).await.json();
        assert_eq!(
            health["checks"]["database"]["status"], "pass",
            "{service}: {health}"
        );
    }
}

#[tokio::test]
async fn an_administrator_resizes_a_pool() {
    let fleet = fleet(SETTINGS).start().await;
    let client = Client::new();
    for service in KEEPING {
        let url = || fleet.url(service, "/api/v1/system/pool");
        let wanted = json!({"min": 1, "max": 3});
        let stranger = set(&client, url(), "guess", &wanted).await;
        assert_eq!(stranger.status, 401, "{service}: {}", stranger.text());
        let reply = set(&client, url(), "sesame", &wanted).await;
        assert_eq!(reply.status, 200, "{service}: {}", reply.text());
        let told = observability(&client, &fleet, service).await;
        assert_eq!(
            (&told["pool"]["min"], &told["pool"]["max"]),
            (&json!(1), &json!(3)),
            "{service}"
        );
        for (wrong, named) in [
            (json!({"max": 0}), "max"),
            (json!({"min": 4, "max": 3}), "min"),
            (json!({"max": 1_000_000}), "max"),
            (json!({"min": 1}), "max"),
        ] {
            let reply = set(&client, url(), "sesame", &wrong).await;
            assert_eq!(reply.status, 422, "{service} {wrong}: {}", reply.text());
            assert!(
                reply.text().contains(named),
                "{service} {wrong}: {}",
                reply.text()
            );
        }
    }
}

#[tokio::test]
async fn without_a_token_no_pool_can_be_resized() {
    let fleet = fleet("drain_grace = '0s'")
        .with_only(&["training"])
        .start()
        .await;
    let url = fleet.url("training", "/api/v1/system/pool");
    let reply = set(&Client::new(), url, "", &json!({"max": 3})).await;
    assert_eq!(reply.status, 404, "{}", reply.text());
}

async fn observability(client: &Client, fleet: &FleetProcess, service: &str) -> Value {
    let url = fleet.url(service, "/api/v1/system/observability");
    client.get(url).await.json()
}

async fn set(client: &Client, url: String, token: &str, body: &Value) -> Reply {
    let mut request = request(Method::POST, url, Some(body));
    let bearer = HeaderValue::from_str(&format!("Bearer {token}")).expect("a token is plain");
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    client.send(request).await
}

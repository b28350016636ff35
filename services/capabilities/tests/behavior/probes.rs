//! Probes call what is active and callable, and only when told to.

use serde_json::{Value, json};

use crate::{
    harness::{Service, find},
    upstream::{Document, Upstream},
};

fn document() -> Document {
    Document::Good(json!({"openapi": "3.1.0", "paths": {
        "/works": {"get": {"operationId": "works"}},
        "/fails": {"get": {"operationId": "fails"}},
        "/asks/{id}": {"get": {"operationId": "asks"}},
        "/idle": {"get": {"operationId": "idle"}},
    }}))
}

#[tokio::test]
async fn counts_how_probes_of_active_operations_go() {
    let mut training = Upstream::start(document()).await;
    let domain = json!({"probe_interval": "10ms", "refresh_interval": "1h"});
    let service = Service::start_with(domain, &[("training", &training)]).await;
    for id in ["training.works", "training.fails", "training.asks"] {
        service.activate(id).await;
    }
    let probe = training.asked_for("/fails").await;
    assert!(
        probe.user_agent.starts_with("tooloo-capabilities-probe/"),
        "{probe:?}"
    );
    // The third round begins after the second was kept, and the second knew all three.
    for _ in 0..2 {
        training.asked_for("/fails").await;
    }
    let listed = service.get("/list").await.ok();
    let probes = |id| find(&listed["capabilities"], "id", id)["probes"].clone();
    let works = probes("training.works");
    assert!(works["successes"].as_u64() >= Some(1));
    assert_eq!(
        (&works["failures"], &works["lastStatus"]),
        (&json!(0), &json!(200))
    );
    assert!(works["lastLatency"].as_f64() > Some(0.0));
    assert_eq!(works["lastError"], Value::Null);
    let fails = probes("training.fails");
    assert!(fails["failures"].as_u64() >= Some(1));
    assert_eq!(
        (&fails["successes"], &fails["lastStatus"]),
        (&json!(0), &json!(500))
    );
    assert_eq!(probes("training.asks"), Value::Null);
    assert_eq!(probes("training.idle"), Value::Null);

    let insights = service.get("/insights").await.ok();
    let failing = find(&insights["failing"], "id", "training.fails");
    assert_eq!(failing["reasons"], json!(["probe"]));
    assert_eq!(
        service.get("/status").await.ok()["probing"]["interval"],
        10.0
    );
}

#[tokio::test]
async fn probes_nothing_unless_told_to() {
    let mut training = Upstream::start(document()).await;
    let domain = json!({"refresh_interval": "5ms"});
    let service = Service::start_with(domain, &[("training", &training)]).await;
    service.activate("training.works").await;
    assert_eq!(service.get("/status").await.ok()["probing"], Value::Null);
    for _ in 0..5 {
        training
            .asked_for_unless("/api/v1/system/observability", "/works")
            .await;
    }
}

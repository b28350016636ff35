//! What the services offer is found, kept, and never made up.

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    harness::{Service, find, ids},
    upstream::{Document, Upstream, offering},
};

#[tokio::test]
async fn finds_the_operations_of_every_service_that_answers() {
    let training = Upstream::start(Document::Good(offering(&["overview", "round"]))).await;
    let coach = Upstream::start(Document::Good(offering(&["status"]))).await;
    let service = Service::start(&[("training", &training), ("coach", &coach)]).await;
    let found = service.refresh().await;
    let expected = ["coach.status", "training.overview", "training.round"];
    assert_eq!(ids(&found["capabilities"]), expected);
    assert_eq!(found["count"], 3);
    assert_eq!(found["services"].as_array().unwrap().len(), 8);

    let up = find(&found["services"], "service", "training");
    assert_eq!(
        (&up["reachable"], &up["stale"]),
        (&json!(true), &json!(false))
    );
    assert_eq!((&up["operations"], &up["error"]), (&json!(2), &Value::Null));
    let down = find(&found["services"], "service", "budget");
    assert_eq!(
        (&down["reachable"], &down["stale"]),
        (&json!(false), &json!(true))
    );
    assert_eq!((&down["read"], &down["age"]), (&Value::Null, &Value::Null));
    assert!(down["error"].as_str().unwrap().contains("budget"));

    let one = service.get("/discovered?service=coach").await.ok();
    assert_eq!(ids(&one["capabilities"]), ["coach.status"]);
    assert_eq!(one["services"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn keeps_the_last_good_document_of_a_service_that_is_down() {
    let training = Upstream::start(Document::Good(offering(&["overview"]))).await;
    let service = Service::start(&[("training", &training)]).await;
    let before = service.refresh().await;
    training.stop().await;
    let after = service.refresh().await;
    assert_eq!(after["capabilities"], before["capabilities"]);
    let source = find(&after["services"], "service", "training");
    assert_eq!(
        (&source["reachable"], &source["stale"]),
        (&json!(false), &json!(true))
    );
    assert!(source["read"].is_string());
    let later = service.refresh().await;
    let source_later = find(&later["services"], "service", "training");
    assert_eq!(source_later["read"], source["read"]);
    assert_ne!(source_later["looked"], source["looked"]);
    assert!(source["age"].as_i64().unwrap() >= 0);
    let listed = service.get("/list?service=training").await.ok();
    assert_eq!(listed["capabilities"][0]["reachable"], false);
    assert_eq!(listed["capabilities"][0]["usage"], Value::Null);

    let service = service.restart().await;
    let again = service.get("/discovered").await.ok();
    assert_eq!(again["capabilities"], before["capabilities"]);
    assert_eq!(
        find(&again["services"], "service", "training")["stale"],
        true
    );
}

#[tokio::test]
async fn says_why_a_document_is_of_no_use_and_keeps_the_last_good_one() {
    let training = Upstream::start(Document::Good(offering(&["overview"]))).await;
    let bounds = json!({"document_limit": 2_000, "operation_limit": 3, "refresh_interval": "1h"});
    let service = Service::start_with(bounds, &[("training", &training)]).await;
    service.refresh().await;
    for (document, reason) in [
        (Document::Raw("<html>".to_owned()), "malformed"),
        (
            Document::Raw(r#"{"openapi": "3.1.0", "paths": []}"#.to_owned()),
            "malformed",
        ),
        (Document::Raw(r#"{"openapi": "2.0"}"#.to_owned()), "version"),
        (Document::Raw("x".repeat(2_001)), "larger than 2000 bytes"),
        (
            Document::Good(offering(&["a", "b", "c", "d"])),
            "more than 3 operations",
        ),
        (Document::Status(StatusCode::SERVICE_UNAVAILABLE), "503"),
    ] {
        training.now_gives(document);
        let found = service.refresh().await;
        assert_eq!(ids(&found["capabilities"]), ["training.overview"]);
        let source = find(&found["services"], "service", "training");
        assert_eq!(
            (&source["reachable"], &source["stale"]),
            (&json!(true), &json!(true))
        );
        let error = source["error"].as_str().unwrap();
        assert!(error.contains(reason), "{reason} is not in {error:?}");
    }
    let status = service.get("/status").await.ok();
    assert_eq!(status["services"]["unreadable"], json!(["training"]));
    assert_eq!(status["services"]["reachable"], 1);
}

#[tokio::test]
async fn waits_for_no_service_longer_than_it_is_told_to() {
    let training = Upstream::start(Document::Silent).await;
    let domain = json!({"fetch_timeout": "100ms"});
    let service = Service::start_with(domain, &[("training", &training)]).await;
    let found = service.refresh().await;
    let source = find(&found["services"], "service", "training");
    assert_eq!(
        (&source["reachable"], &source["stale"]),
        (&json!(false), &json!(true))
    );
    assert!(source["error"].as_str().unwrap().contains("100ms"));
}

#[tokio::test]
async fn asks_for_a_tagged_document_only_if_it_has_changed() {
    let mut training = Upstream::start(Document::Tagged("\"1\"", offering(&["overview"]))).await;
    let domain = json!({"refresh_interval": "1h"});
    let service = Service::start_with(domain, &[("training", &training)]).await;
    service.refresh().await;
    while training.asked_for("/openapi.json").await.conditional {}
    let unchanged = service.refresh().await;
    while !training.asked_for("/openapi.json").await.conditional {}
    assert_eq!(ids(&unchanged["capabilities"]), ["training.overview"]);
    assert_eq!(
        find(&unchanged["services"], "service", "training")["stale"],
        false
    );
    training.now_gives(Document::Tagged("\"2\"", offering(&["overview", "round"])));
    let changed = service.refresh().await;
    assert_eq!(
        ids(&changed["capabilities"]),
        ["training.overview", "training.round"]
    );
}

#[tokio::test]
async fn asks_anew_for_a_document_that_could_not_be_stored() {
    let training = Upstream::start(Document::Tagged("\"1\"", offering(&["overview"]))).await;
    let domain = json!({"refresh_interval": "1h"});
    let service = Service::start_with(domain, &[("training", &training)]).await;
    service.refresh().await;
    service.rename("history", "away").await;
    training.now_gives(Document::Tagged("\"2\"", offering(&["overview", "round"])));
    let failed = service.get("/discovered?refresh=true").await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE, "{failed:?}");
    service.rename("away", "history").await;
    let stored = service.refresh().await;
    assert_eq!(
        ids(&stored["capabilities"]),
        ["training.overview", "training.round"]
    );
}

#[tokio::test]
async fn keeps_what_vanished_as_gone_and_notices_its_return() {
    let training = Upstream::start(Document::Good(offering(&["overview", "round"]))).await;
    let service = Service::start(&[("training", &training)]).await;
    service.refresh().await;
    service.activate("training.round").await;

    training.now_gives(Document::Good(offering(&["overview", "deep_dive"])));
    let found = service.refresh().await;
    assert_eq!(
        ids(&found["capabilities"]),
        ["training.deep_dive", "training.overview"]
    );
    let source = find(&found["services"], "service", "training");
    assert_eq!(
        (&source["operations"], &source["gone"]),
        (&json!(2), &json!(1))
    );
    let gone = service.get("/list?state=gone").await.ok();
    assert_eq!(ids(&gone["capabilities"]), ["training.round"]);
    assert_eq!(gone["capabilities"][0]["reachable"], false);
    assert!(gone["capabilities"][0]["goneSince"].is_string());
    let status = service.get("/status").await.ok();
    assert_eq!(status["active"][0]["state"], "gone");
    let refused = service
        .post("/activate", &json!({"id": "training.round"}))
        .await;
    assert_eq!(refused.ok()["changed"], false);
    service
        .post("/deactivate", &json!({"id": "training.round"}))
        .await
        .ok();
    let refused = service
        .post("/activate", &json!({"id": "training.round"}))
        .await;
    refused.refused(StatusCode::CONFLICT, "id");

    training.now_gives(Document::Good(offering(&[
        "overview",
        "deep_dive",
        "round",
    ])));
    service.refresh().await;
    let back = service.get("/list?state=gone").await.ok();
    assert_eq!(back["count"], 0);
    let history = service.get("/history").await.ok();
    let events: Vec<_> = history["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["capability"].as_str().unwrap(),
                entry["event"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("training.round", "returned"),
        ("training.round", "deactivated"),
        ("training.round", "gone"),
        ("training.deep_dive", "discovered"),
        ("training.round", "activated"),
    ];
    assert_eq!(events, expected);
}

#[tokio::test]
async fn callers_who_wait_for_a_look_share_it() {
    let mut everyone = Upstream::start(Document::Good(offering(&["overview"]))).await;
    let names = tooloo_service::directory::SERVICES.map(|service| service.name);
    let fleet = names.map(|name| (name, &everyone));
    let domain = json!({"refresh_interval": "1h"});
    let service = Service::start_with(domain, &fleet).await;
    let callers = (0..10).map(|_| service.refresh());
    for found in futures_util::future::join_all(callers).await {
        assert_eq!(found["count"], 8);
    }
    // The one at the start, the first caller's, and one for all who came while it ran.
    let looks = everyone.count("/openapi.json") / names.len();
    assert!(looks <= 3, "{looks} looks");
}

#[tokio::test]
async fn looks_again_by_itself() {
    let mut training = Upstream::start(Document::Good(offering(&["overview"]))).await;
    let domain = json!({"refresh_interval": "20ms"});
    let service = Service::start_with(domain, &[("training", &training)]).await;
    service.refresh().await;
    training.now_gives(Document::Good(offering(&["overview", "round"])));
    training.forget();
    // One that may have been on its way, one that gets the new document, and one that begins
    // after what the other got was kept.
    for _ in 0..3 {
        training.asked_for("/openapi.json").await;
    }
    assert_eq!(service.get("/discovered").await.ok()["count"], 2);
}

#[tokio::test]
async fn finds_its_own_operations_like_any_others() {
    let service = Service::start(&[]).await;
    let request = http::Request::get("/openapi.json")
        .body(axum::body::Body::empty())
        .unwrap();
    let response = tower::ServiceExt::oneshot(service.app.router(), request)
        .await
        .unwrap();
    let body = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap();
    let document: Value = serde_json::from_slice(&body.to_bytes()).unwrap();

    let itself = Upstream::start(Document::Good(document)).await;
    let service = Service::start(&[("capabilities", &itself)]).await;
    let found = service.refresh().await;
    let own = ids(&found["capabilities"]);
    for name in [
        "discovered",
        "list",
        "status",
        "insights",
        "history",
        "activate",
        "deactivate",
    ] {
        let id = format!("capabilities.{name}");
        assert!(own.contains(&id.as_str()), "{id} is not in {own:?}");
        let operation = find(&found["capabilities"], "id", &id);
        assert!(operation["summary"].is_string());
    }
}

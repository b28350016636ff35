//! Bad input gets a problem that names the field.

use http::{Method, StatusCode};
use serde_json::json;

use crate::{
    harness::Service,
    upstream::{Document, Upstream, offering},
};

#[tokio::test]
async fn names_what_is_wrong_with_an_activation() {
    let training = Upstream::start(Document::Good(offering(&["overview"]))).await;
    let service = Service::start(&[("training", &training)]).await;
    for path in ["/activate", "/deactivate"] {
        for (body, field) in [
            (json!({}), "id"),
            (json!({"id": 7}), "id"),
            (json!({"id": null}), "id"),
            (json!({"id": "training.overview", "force": true}), "force"),
        ] {
            let answer = service.post(path, &body).await;
            answer.refused(StatusCode::UNPROCESSABLE_ENTITY, field);
        }
        for id in ["", "\0", "training", "training.nothing", "nobody.overview"] {
            let answer = service.post(path, &json!({ "id": id })).await;
            answer.refused(StatusCode::NOT_FOUND, "id");
        }
        let answer = service.send(Method::POST, path, Some("{".to_owned())).await;
        answer.refused(StatusCode::BAD_REQUEST, "JSON");
    }
    assert_eq!(service.get("/history").await.ok()["events"], json!([]));
}

#[tokio::test]
async fn names_what_is_wrong_with_a_query() {
    let service = Service::start(&[]).await;
    for (path, status, field) in [
        (
            "/discovered?refresh=perhaps",
            StatusCode::BAD_REQUEST,
            "refresh",
        ),
        (
            "/discovered?refersh=true",
            StatusCode::BAD_REQUEST,
            "refersh",
        ),
        (
            "/discovered?service=nobody",
            StatusCode::UNPROCESSABLE_ENTITY,
            "service",
        ),
        ("/list?state=asleep", StatusCode::BAD_REQUEST, "state"),
        (
            "/list?service=nobody",
            StatusCode::UNPROCESSABLE_ENTITY,
            "service",
        ),
        (
            "/history?limit=0",
            StatusCode::UNPROCESSABLE_ENTITY,
            "limit",
        ),
        (
            "/history?limit=201",
            StatusCode::UNPROCESSABLE_ENTITY,
            "limit",
        ),
        ("/history?limit=many", StatusCode::BAD_REQUEST, "limit"),
        (
            "/history?before=yesterday",
            StatusCode::BAD_REQUEST,
            "before",
        ),
    ] {
        service.get(path).await.refused(status, field);
    }
    let answer = service.send(Method::DELETE, "/activate", None).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn leaves_services_alone_that_are_down() {
    let service = Service::start_with(json!({"refresh_interval": "1h"}), &[]).await;
    for _ in 0..5 {
        service.refresh().await;
    }
    let found = service.refresh().await;
    for source in found["services"].as_array().unwrap() {
        let error = source["error"].to_string();
        assert!(error.contains("circuit breaker is open"), "{error}");
        assert_eq!(source["reachable"], false);
    }
    let told = service.app.hub().snapshot();
    let breakers = told["circuitBreakers"].as_object().unwrap();
    assert_eq!(breakers.len(), 8);
    for (name, breaker) in breakers {
        assert_eq!(breaker["status"], "open", "{name}");
        assert_eq!(
            (&breaker["callCount"], &breaker["failureCount"]),
            (&json!(10), &json!(10)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn still_answers_when_every_service_is_down() {
    let service = Service::start(&[]).await;
    for path in ["/discovered", "/list", "/status", "/history", "/insights"] {
        service.get(path).await.ok();
    }
    let status = service.get("/status").await.ok();
    assert_eq!(
        status["services"]["unreachable"].as_array().unwrap().len(),
        8
    );
    assert_eq!(status["capabilities"]["activationRate"], json!(null));
}

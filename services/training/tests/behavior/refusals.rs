//! What is refused, and what the refusal says.

use std::num::NonZeroU32;

use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::json;
use tempfile::TempDir;
use training::TrainingConfig;

use crate::call::{get, post, send, training, training_with};

/// Each body is refused with this status and code, and the detail names what is wrong.
#[tokio::test]
async fn a_bad_body_is_refused_by_the_name_of_its_field() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let long = "x".repeat(81);
    let new_topic = "/api/v1/training/new-topic";
    let round = "/api/v1/training/round";
    let start = "/api/v1/training/start";
    for (path, body, status, named) in [
        (new_topic, json!({}), 422, "name"),
        (new_topic, json!({"name": 7}), 422, "name"),
        (new_topic, json!({"name": ""}), 422, "name"),
        (new_topic, json!({"name": "?!"}), 422, "name"),
        (new_topic, json!({"name": "a\nb"}), 422, "control"),
        (new_topic, json!({"name": long}), 422, "80"),
        (
            new_topic,
            json!({"name": "Sets", "difficulty": "brutal"}),
            422,
            "difficulty",
        ),
        (
            new_topic,
            json!({"name": "Sets", "difficulty": 3}),
            422,
            "difficulty",
        ),
        (
            new_topic,
            json!({"name": "Sets", "colour": "red"}),
            422,
            "colour",
        ),
        (new_topic, json!({"name": "databases"}), 409, "databases"),
        (new_topic, json!({"name": "DATABASES "}), 409, "databases"),
        (new_topic, json!([]), 422, "object"),
        (round, json!({}), 422, "correct"),
        (round, json!({"correct": "yes"}), 422, "correct"),
        (round, json!({"correct": 1}), 422, "correct"),
        (round, json!({"correct": null}), 422, "correct"),
        (round, json!({"correct": true, "topic": 1}), 422, "topic"),
        (round, json!({"correct": true, "topic": ""}), 422, "topic"),
        (
            round,
            json!({"correct": true, "topik": "databases"}),
            422,
            "topik",
        ),
        (
            round,
            json!({"correct": true, "topic": "alchemy"}),
            404,
            "alchemy",
        ),
        (start, json!({"topic": "alchemy"}), 404, "alchemy"),
        (start, json!({"topic": []}), 422, "topic"),
        (start, json!({"rounds": 3}), 422, "rounds"),
    ] {
        let (found, problem) = post(&router, path, &body).await;
        assert_eq!(found.as_u16(), status, "{path} {body}: {problem}");
        assert_eq!(problem["status"], status);
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(named), "{path} {body}: {problem}");
        assert!(
            problem["code"].is_string() && problem["title"].is_string(),
            "{problem}"
        );
    }
    let (_, overview) = get(&router, "/api/v1/training/overview").await;
    assert_eq!(
        (&overview["totalTopics"], &overview["totalRounds"]),
        (&json!(9), &json!(0))
    );
    let (_, active) = get(&router, "/api/v1/training/active").await;
    assert!(active["session"].is_null());
}

#[tokio::test]
async fn a_bad_query_is_refused_by_the_name_of_its_parameter() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    for (path, status, named) in [
        ("history?since=yesterday", 400, "since"),
        ("history?since=-1", 400, "since"),
        ("history?since=", 400, "since"),
        ("history?limit=0", 400, "limit"),
        ("history?limit=1001", 400, "limit"),
        ("history?limit=many", 400, "limit"),
        ("history?sincce=1", 400, "sincce"),
        ("history?topic=alchemy", 404, "alchemy"),
        ("progress?days=0", 400, "days"),
        ("progress?days=367", 400, "days"),
        ("progress?days=-1", 400, "days"),
        ("progress?topic=alchemy", 404, "alchemy"),
        ("deep-dive/alchemy", 404, "alchemy"),
        ("deep-dive/%20", 404, "topic"),
    ] {
        let (found, problem) = get(&router, &format!("/api/v1/training/{path}")).await;
        assert_eq!(found.as_u16(), status, "{path}: {problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(named), "{path}: {problem}");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let folder = TempDir::new().unwrap();
    let router = training(folder.path()).await.router();
    let request = |path: &str, kind: Option<&str>, body: &'static str| {
        let mut request = Request::post(format!("/api/v1/training/{path}"));
        if let Some(kind) = kind {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        request.body(Body::from(body)).unwrap()
    };
    let json = Some("application/json");
    for (path, kind, body, status) in [
        ("round", json, "{", StatusCode::BAD_REQUEST),
        ("round", json, "", StatusCode::BAD_REQUEST),
        (
            "round",
            Some("text/plain"),
            "{}",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("round", None, "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("start", json, "{", StatusCode::BAD_REQUEST),
        (
            "start",
            Some("text/plain"),
            "",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        (
            "start",
            None,
            "{\"topic\": \"databases\"}",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
    ] {
        let (found, problem) = send(&router, request(path, kind, body)).await;
        assert_eq!(found, status, "{path} {kind:?} {body:?}: {problem}");
        assert_eq!(problem["status"], status.as_u16());
    }
}

#[tokio::test]
async fn there_is_an_end_to_the_topics() {
    let folder = TempDir::new().unwrap();
    let config = TrainingConfig::default().with_max_topics(NonZeroU32::new(10).unwrap());
    let router = training_with(folder.path(), config).await.router();
    let add = async |name: &str| {
        post(
            &router,
            "/api/v1/training/new-topic",
            &json!({"name": name}),
        )
        .await
    };
    assert_eq!(add("Sets").await.0, StatusCode::CREATED);
    let (status, problem) = add("Logic").await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("too_many_topics"))
    );
    assert!(
        problem["detail"].as_str().unwrap().contains("10"),
        "{problem}"
    );
}

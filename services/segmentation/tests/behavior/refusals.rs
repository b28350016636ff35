//! Bad input gets a problem that names the field; nothing gets a 500.

use http::{Method, StatusCode};
use proptest::{
    prelude::{Strategy, any},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::{Value, json};

use crate::harness::Service;

const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;

#[tokio::test]
async fn names_the_field_of_a_conversation_that_will_not_do() {
    let service = Service::start().await;
    let message = |role: &str| json!({"messages": [{"role": role, "text": "hello"}]});
    for (body, field) in [
        (json!({}), "messages"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": "hello"}), "messages"),
        (json!({"messages": [{"role": "user"}]}), "messages[0]"),
        (json!({"messages": [{"text": "hello"}]}), "messages[0]"),
        (
            json!({"messages": [{"role": "user", "text": 7}]}),
            "messages[0].text",
        ),
        (json!({"messages": [], "blockSize": 3}), "blockSize"),
        (message(" "), "messages[0].role"),
        (message(&"r".repeat(33)), "messages[0].role"),
    ] {
        service
            .post("/analyze", &body)
            .await
            .refused(UNPROCESSABLE, field);
    }
}

#[tokio::test]
async fn names_the_bound_that_a_conversation_passes() {
    let bounds = json!({"max_messages": 2, "max_text_bytes": 5});
    let service = Service::start_with(bounds).await;
    let message = json!({"role": "user", "text": "four"});
    let fits = json!({"messages": [message, message]});
    service.post("/analyze", &fits).await.ok();
    let many = json!({"messages": [message, message, message]});
    let answer = service.post("/analyze", &many).await;
    answer.refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "`messages` holds 3, at most 2",
    );
    let long = json!({"messages": [message, {"role": "user", "text": "longer"}]});
    let answer = service.post("/analyze", &long).await;
    answer.refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "`messages[1].text` has 6 bytes, at most 5",
    );
}

#[tokio::test]
async fn names_the_field_of_users_that_will_not_do() {
    let service = Service::start().await;
    let user = |id: &str, x: Value| json!({"userId": id, "features": {"x": x}});
    let long = "u".repeat(129);
    for (body, field) in [
        (json!({}), "users"),
        (json!({"users": []}), "users"),
        (json!({"users": [{"userId": "a"}]}), "users[0]"),
        (json!({"users": [{"features": {"x": 1}}]}), "users[0]"),
        (
            json!({"users": [{"userId": "a", "features": {}}]}),
            "users[0].features",
        ),
        (
            json!({"users": [{"userId": "a", "features": {"": 1}}]}),
            "users[0].features",
        ),
        (json!({"users": [user("", json!(1))]}), "users[0].userId"),
        (json!({"users": [user(&long, json!(1))]}), "users[0].userId"),
        (json!({"users": [user("a\0", json!(1))]}), "users[0].userId"),
        (
            json!({"users": [user("a", json!("1"))]}),
            "users[0].features.x",
        ),
        (
            json!({"users": [user("a", Value::Null)]}),
            "users[0].features.x",
        ),
        (
            json!({"users": [user("a", json!(1e200))]}),
            "users[0].features[\"x\"]",
        ),
        (
            json!({"users": [user("a", json!(1)), user("a", json!(2))]}),
            "users[1].userId",
        ),
        (
            json!({"users": [user("a", json!(1)), {"userId": "b", "features": {"y": 1}}]}),
            "users[1].features",
        ),
        (json!({"users": [user("a", json!(1))], "k": 0}), "k"),
        (json!({"users": [user("a", json!(1))], "k": 33}), "k"),
        (json!({"users": [user("a", json!(1))], "k": -1}), "k"),
        (
            json!({"users": [user("a", json!(1)), user("b", json!(1))], "k": 2}),
            "`k` must be at most 1",
        ),
    ] {
        service
            .post("/cohorts", &body)
            .await
            .refused(UNPROCESSABLE, field);
    }
    assert_eq!(service.get("/status").await.ok()["clusterings"]["count"], 0);
}

#[tokio::test]
async fn takes_no_number_that_is_not_finite() {
    let service = Service::start().await;
    for value in ["1e999", "NaN", "Infinity", "-1e999"] {
        let body = format!(r#"{{"users": [{{"userId": "a", "features": {{"x": {value}}}}}]}}"#);
        let answer = service.send(Method::POST, "/cohorts", Some(body)).await;
        assert!(answer.status.is_client_error(), "{answer:?}");
    }
}

#[tokio::test]
async fn names_the_bound_that_users_pass() {
    let service = Service::start_with(json!({"max_users": 1, "max_features": 1})).await;
    let user = json!({"userId": "a", "features": {"x": 1}});
    let answer = service
        .post("/cohorts", &json!({"users": [user, user]}))
        .await;
    answer.refused(StatusCode::PAYLOAD_TOO_LARGE, "`users` holds 2, at most 1");
    let wide = json!({"users": [{"userId": "a", "features": {"x": 1, "y": 2}}]});
    let answer = service.post("/cohorts", &wide).await;
    answer.refused(
        StatusCode::PAYLOAD_TOO_LARGE,
        "`users[0].features` holds 2, at most 1",
    );
}

#[tokio::test]
async fn changes_no_setting_where_one_will_not_do() {
    let service = Service::start().await;
    let before = service.get("/status").await.ok()["settings"].clone();
    for (change, field) in [
        (json!({"keywords": 3, "blockSize": 0}), "blockSize"),
        (json!({"keywords": 3, "cutoff": 9}), "cutoff"),
        (json!({"keywords": 3, "smooth": 1}), "smooth"),
        (json!({"keywords": "3"}), "keywords"),
        (json!({"keywords": 3, "k": 33}), "k"),
    ] {
        service
            .post("/configure", &change)
            .await
            .refused(UNPROCESSABLE, field);
    }
    assert_eq!(service.get("/status").await.ok()["settings"], before);
}

#[tokio::test]
async fn refuses_what_is_no_json() {
    let service = Service::start().await;
    for path in ["/analyze", "/cohorts", "/configure"] {
        for body in ["", "{", "hello"] {
            let answer = service
                .send(Method::POST, path, Some(body.to_owned()))
                .await;
            answer.refused(StatusCode::BAD_REQUEST, "JSON");
        }
    }
    let answer = service.send(Method::DELETE, "/analyze", None).await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(service.get("/nowhere").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn answers_every_conversation_and_every_crowd_without_a_500() {
    let service = Service::start().await;
    let mut runner = TestRunner::deterministic();
    let texts = proptest::collection::vec(any::<String>(), 0..12);
    let values = proptest::collection::vec(any::<f64>(), 1..12);
    for _ in 0..40 {
        let texts = texts.new_tree(&mut runner).unwrap().current();
        let messages: Vec<Value> = texts
            .iter()
            .map(|text| json!({"role": "user", "text": text}))
            .collect();
        let answer = service
            .post("/analyze", &json!({"messages": messages}))
            .await;
        assert!(!answer.status.is_server_error(), "{answer:?} to {texts:?}");

        let values = values.new_tree(&mut runner).unwrap().current();
        let users: Vec<Value> = values
            .iter()
            .enumerate()
            .map(|(id, x)| json!({"userId": id.to_string(), "features": {"x": x}}))
            .collect();
        let answer = service.post("/cohorts", &json!({"users": users})).await;
        assert!(!answer.status.is_server_error(), "{answer:?} to {values:?}");
    }
}

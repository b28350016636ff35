//! What the coach can be told, and what it refuses.

use std::future::ready;

use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::stand::{Coach, nowhere, played, scripted};

async fn lonely() -> Coach {
    Coach::new(nowhere(), nowhere()).await
}

fn kinds(status: &Value) -> Vec<&str> {
    let actions = status["recentActions"].as_array().unwrap();
    actions
        .iter()
        .map(|action| action["kind"].as_str().unwrap())
        .filter(|kind| *kind != "failed")
        .collect()
}

#[tokio::test]
async fn a_new_coach_rests() {
    let status = lonely().await.status().await;
    assert_eq!(status["running"], false);
    for unknown in ["runningSince", "fastLane", "accuracy", "nextSession"] {
        assert_eq!(status[unknown], Value::Null, "{unknown}");
    }
    assert_eq!(status["training"]["reachable"], Value::Null);
    assert!(status["traceId"].is_string());
}

#[tokio::test]
async fn starting_and_stopping_twice_is_starting_and_stopping_once() {
    let coach = lonely().await;
    let first = coach.tell("start").await;
    let second = coach.tell("start").await;
    assert_eq!(first["running"], true);
    assert_eq!(first["runningSince"], second["runningSince"]);
    coach.tell("stop").await;
    let stopped = coach.tell("stop").await;
    assert_eq!(
        (&stopped["running"], &stopped["runningSince"]),
        (&json!(false), &Value::Null)
    );
    assert_eq!(kinds(&coach.status().await), ["stopped", "started"]);
}

#[tokio::test]
async fn a_start_reaches_the_loop_although_its_caller_has_left() {
    let (training, _questions) = scripted(played()).await;
    let coach = Coach::new(training.address(), nowhere()).await;
    tokio::select! {
        biased;
        _ = coach.tell("start") => panic!("an answer before the database's"),
        () = ready(()) => {}
    }
    let status = coach
        .status_with(|status| status["counters"]["sessions"] == 1)
        .await;
    assert_eq!(status["running"], true);
}

#[tokio::test]
async fn its_statements_break_no_rule() {
    let (training, _questions) = scripted(played()).await;
    let coach = Coach::new(training.address(), nowhere()).await;
    coach.post("boost", &json!({"rounds": 1})).await;
    coach.post("settings", &json!({"focus": 1})).await;
    coach.tell("fast-lane").await;
    coach.tell("start").await;
    coach.tell("stop").await;
    coach.get("settings").await;
    coach.status().await;
    let observed = coach.observed().await;
    let statements = observed["queries"]["fingerprints"].as_array().unwrap();
    for table in ["coach", "actions"] {
        let names = |sql: &Value| sql.as_str().is_some_and(|sql| sql.contains(table));
        let of_it = statements.iter().filter(|known| names(&known["sql"]));
        assert!(of_it.count() >= 2, "{observed:#}");
    }
    for known in statements {
        assert_eq!(known["findings"], json!([]), "{known:#}");
    }
}

#[tokio::test]
async fn settings_change_by_name_and_outlive_a_restart() {
    let mut coach = lonely().await;
    let (status, changed) = coach
        .post("settings", &json!({"intervalSeconds": 7, "hints": false}))
        .await;
    assert_eq!(status, StatusCode::OK);
    coach.restart().await;
    let (_, kept) = coach.get("settings").await;
    assert_eq!(kept["settings"], changed["settings"]);
    assert_eq!(
        kept["settings"],
        json!({"intervalSeconds": 7, "roundsPerSession": 3, "focus": 3, "hints": false, "seed": 42})
    );
}

#[tokio::test]
async fn the_fast_lane_starts_the_coach_for_a_bounded_time() {
    let coach = lonely().await;
    let fast = coach.tell("fast-lane").await;
    assert_eq!(fast["running"], true);
    assert_eq!(fast["fastLane"]["intervalSeconds"], 6);
    let (_, fast) = coach
        .post("fast-lane", &json!({"seconds": 10, "intervalSeconds": 2}))
        .await;
    assert_eq!(fast["fastLane"]["intervalSeconds"], 2);
    let stopped = coach.tell("stop").await;
    assert_eq!(stopped["fastLane"], Value::Null);
}

#[tokio::test]
async fn every_bad_value_is_refused_by_name() {
    let coach = lonely().await;
    for (path, body, status, named) in [
        (
            "settings",
            json!({"intervalSeconds": 0}),
            422,
            "intervalSeconds",
        ),
        (
            "settings",
            json!({"intervalSeconds": -1}),
            422,
            "intervalSeconds",
        ),
        (
            "settings",
            json!({"intervalSeconds": "30"}),
            422,
            "intervalSeconds",
        ),
        (
            "settings",
            json!({"roundsPerSession": 51}),
            422,
            "roundsPerSession",
        ),
        ("settings", json!({"focus": 21}), 422, "focus"),
        ("settings", json!({"hints": 1}), 422, "hints"),
        ("settings", json!({"seed": 4_294_967_296_u64}), 422, "seed"),
        ("settings", json!({"pace": 3}), 422, "pace"),
        ("settings", json!([30]), 422, "a JSON object"),
        ("boost", json!([]), 422, "a JSON object"),
        ("boost", json!({"rounds": 0}), 422, "rounds"),
        ("boost", json!({"rounds": 51}), 422, "rounds"),
        ("boost", json!({"rounds": 1.5}), 422, "rounds"),
        ("boost", json!({"topic": ""}), 422, "topic"),
        ("boost", json!({"topic": "x".repeat(161)}), 422, "topic"),
        ("boost", json!({"topic": 7}), 422, "topic"),
        ("boost", json!({"subject": "x"}), 422, "subject"),
        ("fast-lane", json!({"seconds": 0}), 422, "seconds"),
        ("fast-lane", json!({"seconds": 3_601}), 422, "seconds"),
        (
            "fast-lane",
            json!({"intervalSeconds": 0}),
            422,
            "intervalSeconds",
        ),
        (
            "fast-lane",
            json!({"intervalSeconds": 30}),
            422,
            "intervalSeconds",
        ),
        ("fast-lane", json!({"minutes": 1}), 422, "minutes"),
    ] {
        let (answered, problem) = coach.post(path, &body).await;
        assert_eq!(answered.as_u16(), status, "{path} {body}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(named), "{path} {body}: {detail}");
    }
    let status = coach.status().await;
    assert_eq!(
        (kinds(&status), &status["running"]),
        (vec![], &json!(false))
    );
}

#[tokio::test]
async fn a_body_that_is_there_must_be_json() {
    let coach = lonely().await;
    for (content_type, body, expected) in [
        (Some("application/json"), "{", StatusCode::BAD_REQUEST),
        (Some("application/json"), "", StatusCode::BAD_REQUEST),
        (Some("text/plain"), "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (None, "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        for path in ["boost", "fast-lane", "settings"] {
            let mut request = Request::builder().method(Method::POST);
            request = request.uri(format!("/api/v1/auto-coach/{path}"));
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let request = request.body(axum::body::Body::from(body)).unwrap();
            let response = coach.app.router().oneshot(request).await.unwrap();
            assert_eq!(
                response.status(),
                expected,
                "{path} {content_type:?} {body:?}"
            );
            assert_eq!(
                response.headers()["content-type"],
                "application/problem+json"
            );
        }
    }
}
